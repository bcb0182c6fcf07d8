"""A folder of Markdown files (an Obsidian vault) with a note in each: written, and read back."""

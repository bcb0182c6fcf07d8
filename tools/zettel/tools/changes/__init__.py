"""Changes to notes: commits, links, supersession, undo."""

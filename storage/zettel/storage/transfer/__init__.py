"""Notes in files of other formats: written from a store, and JSON lines read back."""

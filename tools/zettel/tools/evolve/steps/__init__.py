"""Evolution steps that work on single notes and pairs."""

"""What a server takes of disk, memory and time as its store grows: for `docs/operations.md`."""

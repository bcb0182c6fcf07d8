"""What it costs a client to attach to its store's engine: time to `initialize`, and memory."""

"""MCP over standard input and output, and over the engine's socket."""

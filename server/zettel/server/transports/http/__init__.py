"""MCP over Streamable HTTP and SSE."""

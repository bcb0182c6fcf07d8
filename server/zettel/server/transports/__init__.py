"""How MCP messages arrive: stdio, HTTP, SSE."""

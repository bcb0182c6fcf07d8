"""The optional LLM: client, token budget, health."""

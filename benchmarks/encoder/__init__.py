"""Both ways to run the embedding model, beside each other: time, memory, first recall."""

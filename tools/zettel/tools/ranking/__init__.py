"""How recall orders notes: pure functions from raw scores to a ranking."""

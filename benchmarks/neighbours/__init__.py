"""What one tenant of a server feels and learns of another: abuse, and guesses at its notes."""

"""What an erasure takes, from the confirmation until nothing is left in any file."""

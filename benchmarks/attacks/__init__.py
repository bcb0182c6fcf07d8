"""What attackers reach through the memory: laundered, unmarked, outranking; and false marks."""

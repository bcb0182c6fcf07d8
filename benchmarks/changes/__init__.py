"""Changes of facts that are to be seen when told, and notes that change nothing."""

"""Keys and passwords in what is to be remembered: found by their formats, and cut."""

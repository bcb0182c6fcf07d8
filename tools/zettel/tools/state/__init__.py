"""State shared by calls: the memory object, caches, usage, quota."""

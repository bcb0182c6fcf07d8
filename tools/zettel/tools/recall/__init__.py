"""The read path: search, page, answer."""

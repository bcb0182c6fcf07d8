"""One engine per store: lock, listener, takeover."""

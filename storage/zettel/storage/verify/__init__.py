"""Proof that a text is gone: every file of a store is decoded and looked through."""

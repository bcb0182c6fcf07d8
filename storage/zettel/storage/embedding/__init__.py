"""Embedding models and rerankers, and the files they are loaded from."""

"""What Zettel keeps: note values, the store's contract and its implementations, the embedder."""

"""What Zettel does: remember, recall, update, forget, and the steps that evolve notes."""

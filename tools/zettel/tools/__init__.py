"""The work of Zettel: remember, recall, update, forget, and the steps that evolve notes."""

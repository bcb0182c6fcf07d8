"""Measurements of Zettel as its users meet it: each package here is one command."""

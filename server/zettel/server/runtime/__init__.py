"""A store and its scheduler while a server runs."""

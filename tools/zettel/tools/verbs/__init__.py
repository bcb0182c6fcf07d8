"""The four verbs: remember, recall, update, forget."""

"""The LanceDB store."""

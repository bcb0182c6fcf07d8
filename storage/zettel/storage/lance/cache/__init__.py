"""The notes of a LanceDB store in memory."""

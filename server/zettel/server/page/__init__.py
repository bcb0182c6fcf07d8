"""The page for a person: search, notes, graph, timeline, review, runs; server-rendered."""

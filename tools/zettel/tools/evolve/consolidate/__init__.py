"""Step `consolidate`: gists, a running summary, concepts and a profile that cite their sources."""

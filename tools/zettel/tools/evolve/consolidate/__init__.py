"""Step `consolidate`: gists of sessions, a running summary, concepts and a profile, all citing."""

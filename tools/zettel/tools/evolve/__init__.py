"""Evolution of notes: steps that plan purely and commit atomically."""

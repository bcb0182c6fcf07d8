"""What the scheduler does to notes: steps that plan purely and commit atomically."""

"""What can be wrong with a store: pure checks, a family a file, each naming what it found."""

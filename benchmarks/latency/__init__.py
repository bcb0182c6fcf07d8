"""Where the time of `recall` and `remember` goes, beside what none of them can do without."""

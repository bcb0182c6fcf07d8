"""The command line: options and output, nothing else."""

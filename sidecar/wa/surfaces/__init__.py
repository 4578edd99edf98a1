"""The command line. Each file renders what `wa.api` returns and nothing else."""

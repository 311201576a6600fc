"""What the sequences tried is said at the end of the run."""

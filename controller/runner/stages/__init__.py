"""One file per step of a job's life. Each takes the locked job and returns what to set."""

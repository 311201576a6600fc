"""One file per group, named after the command. A command is its options, one call and one view."""

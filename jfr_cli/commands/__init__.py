"""One file per group, named as the user types it. A command: options, one call, one picture."""

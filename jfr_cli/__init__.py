"""The `jf` command: parse, call the controller, show the result."""

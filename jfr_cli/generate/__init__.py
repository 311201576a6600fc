"""What is generated from the commands: completion scripts and manual pages.

``tree``      the commands, options and arguments as plain data
``shells``    completion scripts for bash, zsh and fish
``manual``    manual pages

``python -m jfr_cli.generate`` writes all of it, and the helps that tests compare, into the source
tree (`make generate`).
"""

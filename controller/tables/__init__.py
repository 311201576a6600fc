"""What the command line and the web page show, each thing declared once: its data and its table.

``schemas``   the keys of a kind of thing, with what they mean
``columns``   a table: columns in forms of different width
``data``      plain data for scripts: JSON, CSV and the like
``formats``   single values: states, times, durations
``jobs flows batches events runners``   the tables

Nothing here draws: `jfr_cli.render` does for terminals, `jfr_web` for browsers.
"""

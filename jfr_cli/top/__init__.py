"""``jf top``: what goes on, live in a terminal.

``view``      what is looked at, and what each key does to that: pure
``history``   numbers of the past, for sparklines
``spans``     lines as texts with styles, fitted to a width: pure
``screen``    activity + view -> lines of a width and a height: pure
``painting``  lines -> what has to be written so that the terminal shows them: pure
``terminal``  the real terminal: raw mode, keys, size, and its state put back whatever happens
``live``      reading in one thread, keys and painting in the other
"""

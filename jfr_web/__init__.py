"""A project in a browser: the same controller as the command line, read through pages.

``serve``      sockets and the server: what ``jf gui`` starts
``app``        addresses -> pages; what surrounds every answer
``site``       what all pages share: the project, its database, threads, what was counted lately
``security``   who may ask: hosts, one-time links, sessions, forms
``live``       one look at the database for all open pages, and the news of it
``asking``     what was asked: the address, as filters and as the `jf` command that gives the same
``rendering``  templates, and how single values are written in HTML
``listing``    a list of things as a table with links
``charts graph tree``   pictures as SVG, and values as folding trees; pure
``pages``      one file per page: one call of the controller, one template

Everything that a page shows comes from here: no script, style or picture of another place, and no
script or style within a page.
"""

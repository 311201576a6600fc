"""A project in a browser: the command line's controller, shown as web pages.

``serve``      sockets and the server that ``jf gui`` starts
``app``        addresses -> pages, and the frame of every answer
``site``       what all pages share: the project, its database, threads, recent counts
``security``   who may ask: hosts, one-time links, sessions, forms
``live``       checks the database once for all open pages, and tells them of changes
``address_filters``  a request's address, as filters and as the equivalent `jf` command
``rendering``  templates, and single values as HTML
``listing``    a list of things as a table with links
``charts graph tree``   pictures as SVG, and values as folding trees; pure
``pages``      one file per page: one call of the controller, one template

Everything that a page needs is served from here: no scripts, styles or pictures from other sites,
and no inline scripts or styles.
"""

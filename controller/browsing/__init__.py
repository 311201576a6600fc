"""The content of pages, each read in one call, for browsing. Nothing here writes.

``lists``      pages of jobs and flows, one after the other
``overview``   the activity of a project
``job``        everything about one job but its output and files
``flow``       a flow with its jobs
``search``     jobs and flows by any id, the beginning of one, or a name
``results``    numbers in the outputs of many jobs
"""

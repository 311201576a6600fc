"""What one page shows, read in one call, for a face that is browsed. Nothing here writes.

``lists``      pages of jobs and flows, one after the other
``overview``   what goes on in a project
``job``        everything about one job but its output and files
``flow``       a flow with its jobs
``search``     jobs and flows by any id, the beginning of one, or a name
``results``    numbers in the outputs of many jobs
"""

"""Names under which scripts for jobflow-remote look for what has a better place here.

``db``        locks and their errors
``examples``  jobs to try things out with
"""

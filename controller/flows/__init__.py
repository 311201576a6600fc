"""The groups of `JobController` that deal with flows.

``queries``     find, read and count
``lifecycle``   submission
``control``     letting whole flows go on
``deletion``    out of the database, with their jobs
``stores``      which JobStore their outputs go to
"""

"""The groups of `JobController` that deal with jobs.

``queries``     find, read and count
``lifecycle``   from checkout to completion
"""

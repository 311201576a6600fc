"""The groups of `JobController` that deal with flows.

``queries``     find, read and count
``lifecycle``   submission
"""

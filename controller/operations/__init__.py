"""The work that several groups of `JobController` share, as functions with explicit arguments.

``queue``        the open collections, and the small base class of the groups
``intake``       a flow is read: its jobs, serialised, and their parents
``insertion``    jobs enter the database
``progress``     which jobs become READY; the state of a flow
``completion``   a job ends
"""

"""The work that several groups of `JobController` share, as functions with explicit arguments.

``queue``   the open collections, and the small base class of the groups
"""

"""The databases: one contract (`base`), two engines (`mongo`, `embedded`).

Nothing outside this package imports pymongo, bson or sqlite3.
"""

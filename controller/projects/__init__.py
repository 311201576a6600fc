"""Work on a project as a whole: removing it, changing its file, moving it to another database.

``files``
    Removing a project, and its files before they are edited.
``migration_plan``
    Which collections go where when a project moves, and what stays; nothing is connected to.
``migration``
    Copying them, verifying the copy, and using it from then on.
``serving``
    Refusing all that while a runner is active.
"""

"""The groups of `JobController` that deal with jobs.

``queries``     find, read and count
``lifecycle``   from checkout to completion
``locking``     holding a job or a flow
``results``     outputs
``control``     pause, resume, stop
``restart``     rerun, retry
``deletion``    out of the database, with what they left
``files``       what is in their run directories
``properties``  what jobs are given: worker, priority and so on
``acting``      how those that change jobs go about it

``state data report graph runner jobcontroller run submit`` only repeat names that scripts for
jobflow-remote look for here.
"""

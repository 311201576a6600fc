"""The work shared by several groups of `JobController`, as functions with explicit arguments.

``queue``        the open collections
``flow_serialization``   reads a flow: its jobs, serialised, and their parents
``insertion``    inserts jobs into the database
``progress``     which jobs become READY; the state of a flow
``steps``        one step of a runner: lock a job that is due, do it, record how it went
``completion``   the end of a job; ``responses`` what it requests: replace, detour, addition, stops;
                 ``failures`` what is stored about a failure
``acting``       an action on jobs: select, lock, read, plan, write; ``actions`` says what each is,
                 ``bulk`` its options and its result; ``chunks flow_locks reading writing``
``pending_cleanup``   work outside the database afterwards, through ``connections``
``cleanup flow_deletion unlocking``   remove run directories and flows; remove locks
``runner_record batch_record``   the records of runners and batch processes
``backup migration upgrade version``   the whole database: to files and back, to another database,
to the current document version
``trends intervals``   how many jobs came to a state in each hour, day, week ...
"""

"""The work that several groups of `JobController` share, as functions with explicit arguments.

``queue``        the open collections
``flow_serialization``   a flow is read: its jobs, serialised, and their parents
``insertion``    jobs enter the database
``progress``     which jobs become READY; the state of a flow
``steps``        one step of a runner: lock a job that is due, do it, record how it went
``completion``   a job ends; ``responses`` what it asks for then: replace, detour, addition, stops;
                 ``failures`` what is kept of why it failed
``acting``       an action on jobs: select, lock, read, plan, write; ``actions`` says what each is,
                 ``bulk`` what it takes and gives back; ``chunks flow_locks reading writing``
``pending_cleanup``   what is done outside the database afterwards, over ``connections``
``cleanup flow_deletion unlocking``   run directories and flows go; documents are freed
``runner_record batch_record``   what runners and batch processes say of themselves
``backup migration upgrade version``   the database as a whole: into files and back, to another
                 place, to present documents
``trends intervals``   how many jobs came to a state in each hour, day, week ...
"""

"""The groups of methods that make up `JobController`, each a class in its own file.

A method calls an operation, such as `controller.operations.acting.act_on_jobs`, on the open
collections, which `base.ControllerGroup` holds. `controller.jobcontroller` composes the groups.

``job_queries flow_queries``          find, read and count
``flow_submission``                   flows enter the database
``job_lifecycle``                     from checkout to completion
``locking unlocking``                 locks of jobs and flows, and freeing them
``job_control flow_control``          pause, resume, stop
``job_restart``                       rerun, retry
``job_deletion flow_deletion``        out of the database, with what they left
``job_properties flow_stores``        worker, priority, resources; the JobStore of a flow
``job_files job_results``             run directories and outputs
``batches runner_records statistics`` batch processes, runners, reports over time
``administration backups versions``   the database as a whole
"""

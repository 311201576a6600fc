"""The runner as a service: started once, told what to do and asked how it is from any machine.

``processes``   which processes a start makes, with which roles: pure
``lockfile``    the lock that a process holds for its life
``starting``    starts detached processes, and waits until they are ready
``__main__``    what such a process runs
``asking``      stop, kill, reload, pause and resume, on this machine and on others
``logfiles``    the logs of all processes as one
``daemon``      `DaemonManager`, for scripts of jobflow-remote
``units``       a systemd unit and a crontab line
"""

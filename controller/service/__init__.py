"""The runner as a service: started once, controlled and monitored from any machine.

``processes``   which processes a start creates, with which roles: pure
``lockfile``    the lock that a process holds as long as it runs
``starting``    starts detached processes, and waits until they are ready
``__main__``    entry point of such a process
``requests``    stop, kill, reload, pause and resume, on this machine and on others
``logfiles``    the logs of all processes merged into one
``daemon``      `DaemonManager`, for scripts written for jobflow-remote
``units``       a systemd unit and crontab lines
"""

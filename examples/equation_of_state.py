"""Submit the equations of state of aluminium, copper and silver, and a job that fails.

The calculation itself is in ``jfr_cli.demo_jobs``, where a worker can import it.
"""

from jfr_cli.demo_jobs import submit_demo

metals, failing = submit_demo()
print("equations of state:", " ".join(metals))
print("fails on purpose:  ", " ".join(failing))

"""The machines that jobs run on: commands and files, locally and over SSH.

``base`` defines what the runner needs of a machine. ``local`` is this machine; ``shell`` is one
reached through a link to its shell: ``ssh`` (paramiko) or ``openssh`` (the program). ``split``
combines two machines for one worker, ``pool`` shares the connections of this process.
"""

from controller.hosts.base import CommandResult, Exchange, ExchangeResult, Host
from controller.hosts.local import LocalHost
from controller.hosts.pool import open_host

__all__ = ["CommandResult", "Exchange", "ExchangeResult", "Host", "LocalHost", "open_host"]

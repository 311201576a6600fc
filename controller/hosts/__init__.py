"""The machines that jobs run on: commands and files, here and over SSH.

``base`` is what the runner asks of any machine. ``local`` is this one; ``shell`` is one behind a
shell, reached through a link: ``ssh`` (paramiko) or ``openssh`` (the program). ``split`` is two
machines for one worker, ``pool`` the connections of this process.
"""

from controller.hosts.base import CommandResult, Exchange, ExchangeResult, Host
from controller.hosts.local import LocalHost
from controller.hosts.pool import open_host

__all__ = ["CommandResult", "Exchange", "ExchangeResult", "Host", "LocalHost", "open_host"]

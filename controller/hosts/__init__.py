"""The machines that jobs run on: commands and files, local now."""

from controller.hosts.base import CommandResult, Host, open_host
from controller.hosts.local import LocalHost

__all__ = ["CommandResult", "Host", "LocalHost", "open_host"]

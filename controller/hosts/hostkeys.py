"""Host keys, checked as by OpenSSH.

``UserKnownHostsFile``, ``GlobalKnownHostsFile``, ``StrictHostKeyChecking`` and ``HostKeyAlias`` of
the SSH configuration are respected. An unknown key is an error, as in OpenSSH without a terminal.
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.errors import HostKeyError
from controller.paths import make_private_folder, open_private

if TYPE_CHECKING:
    import paramiko

_FILES = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_GLOBAL_FILES = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")


def fingerprint(key: paramiko.PKey) -> str:
    """Return the fingerprint of a key as OpenSSH prints it."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def checked_keys(connection: Any) -> None:
    """Make a fabric connection check the host key."""
    config = connection.ssh_config
    own = _files(config.get("userknownhostsfile"), _FILES)
    shared = _files(config.get("globalknownhostsfile"), _GLOBAL_FILES)
    client = connection.client
    for file in (*shared, *own):
        with suppress(OSError):
            client.load_system_host_keys(str(file))
    wanted = connection.host if connection.port == 22 else f"[{connection.host}]:{connection.port}"
    if alias := config.get("hostkeyalias"):
        for kind, key in (client._system_host_keys.lookup(alias) or {}).items():
            client.get_host_keys().add(wanted, kind, key)
    client.set_missing_host_key_policy(
        _policy(connection, own[0] if own else None, config.get("stricthostkeychecking", "ask"))
    )


def _files(given: str | None, usual: tuple[str, ...]) -> list[Path]:
    names = given.split() if given else usual
    return [Path(name.strip('"')).expanduser() for name in names if name.lower() != "none"]


def _policy(connection: Any, file: Path | None, strict: str) -> Any:
    import paramiko

    class Policy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
        """The policy for unknown keys."""

        def missing_host_key(
            self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
        ) -> None:
            if strict.lower() in ("no", "off", "accept-new"):
                if file is not None:
                    make_private_folder(file.parent)
                    with open_private(file, "a") as known:
                        known.write(f"{hostname} {key.get_name()} {key.get_base64()}\n")
                return
            port = f" -p {connection.port}" if connection.port != 22 else ""
            raise HostKeyError(
                f"the host key of {connection.host} is unknown: {key.get_name()} "
                f"{fingerprint(key)}",
                hint=f"compare it with the published fingerprint, then log in once: "
                f"ssh{port} {connection.user}@{connection.original_host}",
            )

    return Policy()


def changed_key(host: str, port: int, known: paramiko.PKey, got: paramiko.PKey) -> HostKeyError:
    """Return the error for a host whose key differs from the known one."""
    name = host if port == 22 else f"[{host}]:{port}"
    return HostKeyError(
        f"the host key of {host} has changed: expected {fingerprint(known)}, got "
        "{fingerprint(got)}; the connection may be intercepted",
        hint=f"if its administrators confirm the new key: ssh-keygen -R '{name}', then log in "
        "once with ssh",
    )

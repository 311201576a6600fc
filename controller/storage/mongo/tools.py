"""mongodump and mongorestore, as an alternative to jfr's own reader and writer."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from controller.errors import ArgumentError, ConfigError, StorageError
from controller.storage.dumps import Dump
from controller.storage.opening import database_name, opens_directly, store_type, uri_of


@dataclass(frozen=True)
class MongoTools:
    """The two programs, and their database.

    Attributes
    ----------
    folder
        The folder of the programs.
    uri, database
        URI and database of the server; the URI may contain a password.
    """

    folder: Path
    uri: str
    database: str

    def dump(self, collection: str, folder: Path, name: str, *, compress: bool) -> None:
        """Write a collection, under another name.

        Raises
        ------
        StorageError
            mongodump cannot be started, or failed.
        """
        with tempfile.TemporaryDirectory(dir=folder, prefix=".mongodump") as temporary:
            self._run(
                "mongodump",
                [
                    *("--db", self.database, "--collection", collection, "--out", temporary),
                    *(["--gzip"] if compress else []),
                ],
            )
            for path in (Path(temporary) / self.database).glob("*"):
                path.chmod(0o600)
                if path.name.startswith(f"{collection}."):
                    path.rename(folder / f"{name}{path.name.removeprefix(collection)}")

    def restore(self, dump: Dump, collection: str) -> None:
        """Insert the documents of a dump into a collection, which may already have its indexes.

        Raises
        ------
        StorageError
            mongorestore cannot be started, or failed.
        """
        self._run(
            "mongorestore",
            [
                *("--db", self.database, "--collection", collection),
                *("--stopOnError", "--noIndexRestore"),
                *(["--gzip"] if dump.data.suffix == ".gz" else []),
                str(dump.data),
            ],
        )

    def _run(self, program: str, arguments: Sequence[str]) -> None:
        """Run a program; the uri is passed in a file that only the user can read."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as config:
            config.write(f"uri: {json.dumps(self.uri)}\n")  # JSON is YAML
            config.flush()
            command = [str(self.folder / program), "--quiet", "--config", config.name]
            try:
                done = subprocess.run(
                    [*command, *arguments], capture_output=True, text=True, check=False
                )
            except OSError as error:
                raise StorageError(
                    f"{self.folder / program} cannot be started: {error.strerror}",
                    hint="omit the folder of MongoDB's programs: jfr does not need them",
                ) from None
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no error message"]
            message = said[-1].replace(self.uri, "the database")
            raise StorageError(f"{program} failed: {message}")


def mongo_tools(folder: str | Path, spec: Mapping[str, Any]) -> MongoTools:
    """Return the programs for the description of a store.

    Raises
    ------
    ArgumentError
        The store is not on a server.
    ConfigError
        The programs cannot reach the store.
    """
    if store_type(spec) == "EmbeddedStore":
        raise ArgumentError(
            "mongodump and mongorestore do not support embedded databases",
            hint="omit the folder of MongoDB's programs: jfr does not need them",
        )
    if not opens_directly(spec):
        raise ConfigError(
            f"mongodump and mongorestore cannot reach this {store_type(spec)}",
            hint="omit the folder of MongoDB's programs: jfr does not need them",
        )
    database = database_name(spec)
    return MongoTools(Path(folder).expanduser(), connection_uri(spec, database), database)


def connection_uri(spec: Mapping[str, Any], database: str) -> str:
    """Return the uri of a store without the database, with user and password."""
    options: dict[str, Any] = dict(spec.get("mongoclient_kwargs") or {})
    uri = uri_of(spec)
    if uri is None:
        login = ""
        if spec.get("username"):
            login = f"{quote(spec['username'], '')}:{quote(spec.get('password') or '', '')}@"
            options.setdefault("authSource", spec.get("auth_source") or database)
        authority = f"{login}{spec.get('host') or 'localhost'}:{spec.get('port') or 27017}"
        scheme, query = "mongodb", ""
    else:
        parts = re.fullmatch(r"([^:]+)://([^/?]+)/?([^?]*)\??(.*)", uri, re.DOTALL)
        if parts is None:
            raise ConfigError("the uri of the store is invalid", hint="use mongodb://HOST:PORT")
        scheme, authority, path, query = parts.groups()
        if path and "@" in authority and "authsource=" not in query.lower():
            options.setdefault("authSource", path)
    known = {item.partition("=")[0].lower() for item in query.split("&")}
    added = {
        k: str(v).lower() if isinstance(v, bool) else v
        for k, v in options.items()
        if isinstance(v, (str, int, float)) and k.lower() not in known
    }
    whole = "&".join(part for part in (query, urlencode(added)) if part)
    return f"{scheme}://{authority}/{'?' if whole else ''}{whole}"

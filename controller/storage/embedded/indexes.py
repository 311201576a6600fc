"""Creating and dropping indexes and collections."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from controller.errors import ArgumentError, UnsupportedOperationError
from controller.storage.driver_errors import duplicate_key
from controller.storage.embedded.layout import add_column, native_index_name, pair_path
from controller.storage.embedded.rows import fill_column
from controller.storage.embedded.wildcards import below

if TYPE_CHECKING:
    from controller.storage.embedded.layout import Table
    from controller.storage.embedded.link import Link


def create(
    link: Link,
    table: Table,
    keys: str | Sequence[str | tuple[str, int]],
    *,
    unique: bool,
    name: str | None,
) -> str:
    """Create an index unless it exists, and return its name."""
    pairs = _pairs(keys)
    name = name or "_".join(f"{path}_{way}" for path, way in pairs)
    if pairs == [("_id", 1)]:
        return "_id_"
    known = table.indexes.get(name)
    wanted: dict[str, Any] = {"key": pairs, **({"unique": True} if unique else {})}
    if known is not None:
        if known != wanted:
            raise ArgumentError(
                f"an index named {name} with other keys or options exists", hint="drop it first"
            )
        return name
    paths = [path for path, _ in pairs]
    wild = any(map(below, paths))
    if wild and (unique or len(paths) > 1):
        raise UnsupportedOperationError(
            "an index of every path below one with other keys or unique"
        )
    if len(paths) == 2 and not unique:
        paths.append(pair_path(paths[0], paths[1]))
    for path in paths:
        if path not in table.columns:
            fill_column(link, table, add_column(link.sql, table, path))
    columns = [table.columns[path] for path, _ in pairs]
    if unique:
        _check_unique(link, table, name, [c.path for c in columns])
    if not wild:
        _create_native(link, table, wanted)
    link.sql.execute(
        "INSERT INTO idx VALUES(?,?,?,?)", (table.cid, name, json.dumps(pairs), int(unique))
    )
    table.set_index(name, wanted)
    link.catalogue_changed()
    return name


def drop(link: Link, table: Table, name: str) -> None:
    """Drop an index; the column stays, since another index may use it."""
    if name == "_id_":
        raise ArgumentError("the index on _id cannot be dropped")
    info = table.indexes.get(name)
    if info is None:
        raise ArgumentError(f"{table.name} has no index named {name}")
    link.sql.execute("DELETE FROM idx WHERE cid=? AND name=?", (table.cid, name))
    table.set_index(name, None)
    native = native_index_name(table, info)
    others = [i for n, i in table.indexes.items() if n != "_id_"]
    if native not in {native_index_name(table, other) for other in others}:
        link.sql.execute(f"DROP INDEX IF EXISTS {native}")
    link.catalogue_changed()


def drop_collection(link: Link, table: Table) -> None:
    """Drop a collection; the caller removes the large values of its documents."""
    link.sql.execute(f"DROP TABLE {table.rows}")
    link.sql.execute(f"DROP TABLE {table.side}")
    for catalogue in ("coll", "col", "idx"):
        link.sql.execute(f"DELETE FROM {catalogue} WHERE cid=?", (table.cid,))
    link.drop_table(table.name)


def _pairs(keys: str | Sequence[str | tuple[str, int]]) -> list[tuple[str, int]]:
    many = [keys] if isinstance(keys, str) else keys
    pairs = [(k, 1) if isinstance(k, str) else (k[0], k[1]) for k in many]
    for path, way in pairs:
        if way not in (1, -1):
            raise UnsupportedOperationError(f"an index of kind {way!r} on {path}")
    if not pairs:
        raise ArgumentError("an index needs at least one key")
    return pairs


def _check_unique(link: Link, table: Table, name: str, paths: list[str]) -> None:
    columns = [table.columns[path] for path in paths]
    for column in columns:
        if column.multi:
            raise UnsupportedOperationError(
                f"a unique index on {column.path}, which contains arrays"
            )
    names = ", ".join(c.sql for c in columns)
    # Unlike a UNIQUE index, GROUP BY treats two NULLs as equal.
    twice = link.sql.execute(
        f"SELECT 1 FROM {table.rows} GROUP BY {names} HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    if twice:
        raise duplicate_key(
            f"documents of {table.name} share the same {', '.join(paths)}", index=name
        )


def _create_native(link: Link, table: Table, info: dict[str, Any]) -> None:
    parts = ", ".join(
        f"{table.columns[path].sql}{' DESC' if way < 0 else ''}" for path, way in info["key"]
    )
    kind = "UNIQUE INDEX" if info.get("unique") else "INDEX"
    native = native_index_name(table, info)
    try:
        link.sql.execute(f"CREATE {kind} IF NOT EXISTS {native} ON {table.rows}({parts})")
    except sqlite3.IntegrityError:
        raise duplicate_key(f"documents of {table.name} share the same key") from None

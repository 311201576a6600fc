"""Reading matching documents a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from controller.errors import ArgumentError
from controller.storage.base import Document
from controller.storage.base import Projection as ProjectionSpec
from controller.storage.embedded.filters import (
    Test,
    compile_filter,
    filter_paths,
    position,
    split_path,
)
from controller.storage.embedded.known_plans import Known
from controller.storage.embedded.planner import Plan, names_one, plan_filter, plan_order
from controller.storage.embedded.projections import projection_of
from controller.storage.embedded.routes import in_order, where_of
from controller.storage.embedded.rows import Stored, read_columns
from controller.storage.embedded.values import MISSING, normalise, sort_key, value_of_key

if TYPE_CHECKING:
    from controller.storage.embedded.file import File
    from controller.storage.embedded.layout import Table
    from controller.storage.embedded.link import Link

PAGE_DOCUMENTS = 1000
PAGE_BYTES = 8 << 20
_ROWS_AT_ONCE = 100
"""Rows that one statement reads: their hot parts are small."""


class Query:
    """A filter made ready: normalised, compiled, its paths known, its sort checked."""

    def __init__(self, query: Any, sort: Any = None) -> None:
        if query is not None and not isinstance(query, Mapping):
            raise TypeError(f"a filter must be a dictionary, not {type(query).__name__}")
        self.spec: dict[str, Any] = normalise(dict(query or {}))[0]
        self._known = None if names_one(self.spec) else Known(self.spec)
        if self._known is not None and self._known.shape is None:
            _ = self.test  # which says what is wrong with the filter
        self.sort = _sort_pairs(sort)
        self._plan: tuple[Table, Plan] | None = None

    def plan(self, table: Table) -> Plan:
        """Return how the rows that match are found."""
        if self._plan is None or self._plan[0] is not table:
            known = self._known
            self._plan = table, known.plan(table) if known else plan_filter(table, self.spec)
        return self._plan[1]

    @cached_property
    def test(self) -> Test:
        """Whether a document matches."""
        return compile_filter(self.spec)

    @cached_property
    def paths(self) -> list[str]:
        """What it reads of a document."""
        return list(filter_paths(self.spec))

    def matches(self, link: Link, stored: Stored) -> bool:
        """Whether a document in the file matches."""
        return not self.spec or self.test(stored.decode(link, self.paths))

    def scan(self, link: Link, table: Table, limit: int = 0) -> Iterator[Stored]:
        """Yield the matching documents in order, read on demand.

        Parameters
        ----------
        limit
            Maximum number that the caller will read; 0 means all.
        """
        plan = self.plan(table)
        order = plan_order(table, self.sort)
        if order is None:
            yield from _read(link, table, self._sorted(link, table, plan))
            return
        if not order:
            where, params = where_of(link, table, plan)
            rows = link.select(f"SELECT seq, hot FROM {table.rows} WHERE {where}", params)
            for sequence, raw in rows:
                stored = Stored(sequence, raw)
                if plan.exact or self.matches(link, stored):
                    yield stored
            return
        # Keys first, then each row: without an index SQLite would sort whole documents.
        sequences = in_order(link, table, plan, self.sort, limit)
        if sequences is None:
            end = f" LIMIT {limit}" if limit and plan.exact else ""
            rows = link.select(
                f"SELECT seq FROM {table.rows} WHERE {plan.sql} ORDER BY {order}{end}", plan.params
            )
            sequences = (sequence for (sequence,) in rows)
        for stored in _read(link, table, sequences):
            if plan.exact or self.matches(link, stored):
                yield stored

    def lasting(self, link: Link, table: Table) -> Iterator[Stored]:
        """Yield the matching documents, which may be changed or deleted meanwhile.

        Which they are is settled before the first: an update does not find documents that it moved.
        """
        if not self.plan(table).exact:
            yield from list(self.scan(link, table))
            return
        yield from stored_at(link, table, self.sequences(link, table))

    def sequences(self, link: Link, table: Table) -> list[int]:
        """Return the row numbers of the matching documents, in order."""
        plan = self.plan(table)
        order = plan_order(table, self.sort)
        if order is None:
            return self._sorted(link, table, plan)
        if not plan.exact:
            return [stored.sequence for stored in self.scan(link, table)]
        by = f" ORDER BY {order}" if order else ""
        where, params = (plan.sql, plan.params) if order else where_of(link, table, plan)
        rows = link.sql.execute(f"SELECT seq FROM {table.rows} WHERE {where}{by}", params)
        return [row[0] for row in rows]

    def from_columns(
        self, link: Link, table: Table, names: Sequence[str] | None
    ) -> list[Document] | None:
        """Return fields of the matching documents, if columns hold them: none is decoded.

        Parameters
        ----------
        names
            Names of the fields; None if not only whole fields are wanted.

        Returns
        -------
        list or None
            None if a document has to be read, as where a null may be a missing field.
        """
        columns = [table.columns.get(name) for name in names or ()]
        if self.sort or not names or any(c is None or c.multi or c.odd for c in columns):
            return None
        plan = self.plan(table)
        if not plan.exact:
            return None
        asked = ", ".join(c.sql for c in columns if c is not None)
        found: list[Document] = []
        where, params = where_of(link, table, plan)
        for row in link.select(f"SELECT {asked} FROM {table.rows} WHERE {where}", params):
            values = [key if type(key) is str else value_of_key(key) for key in row]
            if None in values or MISSING in values:
                return None
            found.append(dict(zip(names, values)))
        return found

    def _sorted(self, link: Link, table: Table, plan: Plan) -> list[int]:
        paths = [*self.paths, *(path for path, _ in self.sort)]
        rows: list[tuple[list[Any], int]] = []
        where, params = where_of(link, table, plan)
        for sequence, raw in link.select(
            f"SELECT seq, hot FROM {table.rows} WHERE {where}", params
        ):
            document = Stored(sequence, raw).decode(link, paths)
            if plan.exact or self.test(document):
                rows.append((sort_keys(document, self.sort), sequence))
        sort_rows(rows, self.sort)
        return [sequence for _, sequence in rows]


def sort_keys(document: Any, sort: list[tuple[str, int]]) -> list[Any]:
    """Return the sort key of MongoDB: for an array, its smallest or largest element."""
    keys = []
    for path, way in sort:
        values = list(_sort_values(document, split_path(path)))
        keys.append((min if way > 0 else max)(values))
    return keys


def sort_rows(rows: list[tuple[list[Any], Any]], sort: list[tuple[str, int]]) -> None:
    """Sort (keys, anything) pairs in place; equal ones keep their order."""
    for place, (_, way) in reversed(list(enumerate(sort))):
        rows.sort(key=lambda row: row[0][place], reverse=way < 0)


def _sort_values(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if not path:
        if type(value) is list:
            # An empty array sorts below null, as the manual says.
            yield from map(sort_key, value) if value else ((0.5, 0),)
        else:
            yield sort_key(value)
    elif type(value) is dict:
        yield from _sort_values(value.get(path[0], MISSING), path[1:])
    elif type(value) is list and (place := position(path[0])) is not None and place < len(value):
        yield from _sort_values(value[place], path[1:])
    elif type(value) is list and value:
        for element in value:
            yield from _sort_values(element if type(element) is dict else MISSING, path)
    else:
        yield sort_key(MISSING)


def _sort_pairs(sort: Any) -> list[tuple[str, int]]:
    if not sort:
        return []
    if isinstance(sort, str):
        return [(sort, 1)]
    given = sort.items() if isinstance(sort, Mapping) else sort
    pairs = [(pair, 1) if isinstance(pair, str) else (pair[0], pair[1]) for pair in given]
    for path, way in pairs:
        if way not in (1, -1) or isinstance(way, bool) or not isinstance(path, str):
            raise ArgumentError(
                f"a sort by {path!r} must be ascending (1) or descending (-1), not {way!r}"
            )
    return pairs


def _read(link: Link, table: Table, sequences: Iterable[int]) -> Iterator[Stored]:
    """Yield the documents of row numbers, in their order.

    The first statement reads one row and each further one twice as many: a claim takes the first.
    """
    left, number = iter(sequences), 1
    while some := list(islice(left, number)):
        number = min(2 * number, _ROWS_AT_ONCE)
        found = _hot_parts(link, table, some)
        for sequence in some:
            yield found[sequence]


def _hot_parts(link: Link, table: Table, sequences: list[int]) -> dict[int, Stored]:
    """Return the documents of row numbers, as far as they still exist."""
    return {stored.sequence: stored for stored in stored_at(link, table, sequences)}


def stored_at(link: Link, table: Table, sequences: Iterable[int]) -> Iterator[Stored]:
    """Yield the documents of row numbers, as far as they still exist."""
    for row in read_columns(link, table, ["hot"], sequences, _ROWS_AT_ONCE):
        yield Stored(*row)


class Cursor:
    """Iterates over matching documents without holding anything open between its pages.

    A document that is changed after the first page is tested again before it is returned.
    """

    def __init__(
        self,
        file: File,
        collection: str,
        query: Any,
        projection: ProjectionSpec,
        *,
        sort: Any,
        skip: int,
        limit: int,
        link: Link | None,
    ) -> None:
        self._file, self._collection, self._filter = file, collection, query
        self._projection = None if projection is None else projection_of(projection)
        self._sort, self._skip, self._limit, self._link = sort, skip, abs(limit), link
        self._page: list[Document] = []
        self._rest: list[int] | None = None
        self._query: Query | None = None
        self._seen: object = None

    def sort(self, key: Any, direction: int = 1) -> Cursor:
        """Sort by a path, or by (path, direction) pairs."""
        self._sort = [(key, direction)] if isinstance(key, str) else key
        return self

    def skip(self, count: int) -> Cursor:
        """Skip a number of documents at the start."""
        self._skip = count
        return self

    def limit(self, count: int) -> Cursor:
        """Limit the number of documents; 0 means all."""
        self._limit = abs(count)
        return self

    def batch_size(self, _size: int) -> Cursor:
        """Ignored; accepted for compatibility with pymongo."""
        return self

    def to_list(self, length: int | None = None) -> list[Document]:
        """Return the next documents as a list; None means all."""
        return list(islice(self, length))

    def close(self) -> None:
        """Return no more documents."""
        self._page, self._rest = [], []

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Document]:
        return self

    def __next__(self) -> Document:
        if not self._page and self._rest != []:  # what is known to have an end is not asked for it
            self._read_page()
        if not self._page:
            raise StopIteration
        return self._page.pop()

    next = __next__

    def __getitem__(self, index: int) -> Document:
        return list(self)[index]

    def _read_page(self) -> None:
        if self._query is None:  # once: it may name all jobs of a large flow
            self._query = Query(self._filter, self._sort)
        query = self._query
        with self._file.reading(self._link) as link:
            table = link.table(self._collection)
            if table is None:
                self._rest = []
            elif self._rest is None:
                self._seen = link.version()
                self._page = self._first_page(link, table, query)
            else:
                self._page = self._next_page(link, table, query)
        self._page.reverse()

    def _first_page(self, link: Link, table: Table, query: Query) -> list[Document]:
        if not (self._skip or self._limit or self._projection is None):
            whole = query.from_columns(link, table, self._projection.names)
            if whole is not None:
                self._rest = []
                return whole
        end = self._limit and self._skip + self._limit
        found = islice(query.scan(link, table, end), self._skip, end or None)
        page: list[Document] = []
        seen, size = set(), 0
        for stored in found:
            seen.add(stored.sequence)
            size += self._shape(link, stored, page)
            if len(page) >= PAGE_DOCUMENTS or size >= PAGE_BYTES:
                break
        else:
            self._rest = []
            return page
        self._rest = query.sequences(link, table)[self._skip : end or None]
        self._rest = [sequence for sequence in self._rest if sequence not in seen]
        self._rest.reverse()
        return page

    def _next_page(self, link: Link, table: Table, query: Query) -> list[Document]:
        assert self._rest is not None
        page: list[Document] = []
        size, is_same = 0, link.version() == self._seen
        while self._rest and len(page) < PAGE_DOCUMENTS and size < PAGE_BYTES:
            some = self._rest[: -_ROWS_AT_ONCE - 1 : -1]
            found = _hot_parts(link, table, some)
            for sequence in some:
                self._rest.pop()
                if sequence in found and (is_same or query.matches(link, found[sequence])):
                    size += self._shape(link, found[sequence], page)
                if len(page) >= PAGE_DOCUMENTS or size >= PAGE_BYTES:
                    break
        return page

    def _shape(self, link: Link, stored: Stored, page: list[Document]) -> int:
        """Add the document to the page, and return its size, its large values included."""
        shape = self._projection
        if shape is None:
            document, filled = stored.open(link, [""])
        else:
            document, filled = stored.open(link, shape.paths(), shape.excluded, shape.ends)
        page.append(document if shape is None else shape(document))
        return len(stored.raw) + sum(len(raw) for _, raw in filled.values())

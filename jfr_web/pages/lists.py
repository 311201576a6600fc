"""What the lists of jobs and of flows have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from controller.browsing.lists import Order
from controller.errors import NotFoundError
from controller.saved_filters import Kind, saved_filters
from controller.tables import data
from controller.tables.columns import TableSpec, chosen_columns, chosen_data, data_keys
from jfr_web.address_filters import PAGE_SIZES, Ask
from jfr_web.site import Site

_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@dataclass(frozen=True)
class Choice:
    """A column that can be shown."""

    key: str
    title: str
    shown: bool


def order_of(ask: Ask) -> Order:
    """Return how a list is sorted, and where its page starts."""
    return Order(
        field=ask.one("sort") or "updated_on",
        ascending=ask.flag("reverse_sort"),
        after=ask.one("after"),
        size=ask.number("max_results", 50, least=1, most=max(PAGE_SIZES)),
    )


def sort_links(
    ask: Ask, order: Order, columns: Mapping[str, str]
) -> dict[str, tuple[str, str | None]]:
    """Return the links that sort a list; ``columns`` is {key of the column: field}."""
    links: dict[str, tuple[str, str | None]] = {}
    for key, field in columns.items():
        now = order.field == field
        flip = "1" if now and not order.ascending else None
        way = ("ascending" if order.ascending else "descending") if now else None
        links[key] = (ask.url(sort=field, reverse_sort=flip, after=None), way)
    return links


def columns_of(ask: Ask) -> str | None:
    """Return the requested columns; None for the default ones."""
    return ",".join(ask.all("columns")) or None


def choices(spec: TableSpec, asked: str | None, level: int = 0) -> list[Choice]:
    """Return the available columns, and which of them are shown."""
    shown = {column.key for column in chosen_columns(spec, asked, level)}
    return [Choice(c.key, c.header.partition(" [")[0], c.key in shown) for c in spec.columns]


def saved(site: Site, kind: Kind) -> list[tuple[str, str]]:
    """Return (name, address) of the saved filters."""
    if not site.project_file:
        return []
    found = saved_filters(Path(site.project_file), kind)
    texts = {name: urlencode(one.texts, doseq=True) for name, one in sorted(found.items())}
    return [(name, f"/{kind}s?{text}") for name, text in texts.items()]


def list_words(ask: Ask, order: Order) -> list[str]:
    """Return the command-line options for the sort order and the columns."""
    words: list[str] = []
    if order.field != "updated_on":
        words += ["--sort", order.field]
    if order.ascending:
        words.append("--reverse-sort")
    if (columns := columns_of(ask)) is not None:
        words += ["--columns", columns]
    if order.size != 100:
        words += ["-m", str(order.size)]
    return words


def download(ask: Ask, spec: TableSpec, items: Sequence[Any], name: str) -> Response:
    """Return items as a file, in the format of the command line.

    Raises
    ------
    NotFoundError
        There is no such format.
    ArgumentError
        There is no such column.
    """
    form = ask.params["form"]
    if form not in _TYPES:
        raise NotFoundError(f"there is no format {form}", hint="choose csv or json")
    asked = columns_of(ask)
    pick = chosen_data(spec, asked)
    rows = [pick(spec.data(item)) for item in items]
    text = data.written(rows, form, name_key=spec.name_key, keys=data_keys(spec, asked))
    headers = {"content-disposition": f'attachment; filename="{name}.{form}"'}
    return Response(f"{text}\n", media_type=_TYPES[form], headers=headers)

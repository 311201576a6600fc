"""Windows of numbers in which the first jobs by db_id are looked for."""

from __future__ import annotations

import pytest

from controller.operations.db_id_order import windows


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("counter", [1, 2, 10, 11, 101, 12_345, 1_000_001])
def test_windows_cover_every_number_once_in_order(counter: int, descending: bool) -> None:
    found = list(windows(counter, descending=descending))
    assert all(len(str(low)) == len(str(high)) for low, high in found)
    ends = found if not descending else found[::-1]
    assert [low for low, _ in ends] == [1, *(high + 1 for _, high in ends[:-1])][: len(ends)]
    assert (ends[-1][1] if ends else 0) == counter - 1
    assert len(found) < 20

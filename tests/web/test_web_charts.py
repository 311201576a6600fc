"""Lines of the axes of plots: round numbers, few of them, each with a text of its own."""

from __future__ import annotations

import pytest

from jfr_web.charts import Axis, Dot, scatter


@pytest.mark.parametrize(
    ("places", "texts"),
    [
        ([0.00027, 0.03286], ["0.01", "0.02", "0.03"]),
        ([13.7, 15.46], ["14", "14.5", "15"]),
        ([-15.0, -1.5], ["-15", "-10", "-5"]),
        ([0.1, 0.7], ["0.2", "0.4", "0.6"]),
        ([5.0, 5.0], ["5"]),
    ],
)
def test_lines_are_at_round_numbers(places: list[float], texts: list[str]) -> None:
    axis = Axis("energy")
    assert [axis.text(place) for place in axis.ticks(places)] == texts


def test_lines_of_a_logarithmic_axis() -> None:
    axis = Axis("cutoff", log=True)
    assert [axis.text(place) for place in axis.ticks([-3, 2.4])] == ["0.01", "1", "100"]


@pytest.mark.parametrize("least", [5.0, -1e9, 1e-12])
def test_each_line_has_a_text_of_its_own(least: float) -> None:
    axis = Axis("x")
    for width in (1e-7, 0.3, 7.0, 1e6):
        texts = [axis.text(place) for place in axis.ticks([least, least + abs(least) * width])]
        assert len(set(texts)) == len(texts)
        assert 1 <= len(texts) <= 9


def test_one_point_is_drawn() -> None:
    assert scatter([Dot(1, 1, "good", "a job", "/job/1")], Axis("x"), Axis("y"))

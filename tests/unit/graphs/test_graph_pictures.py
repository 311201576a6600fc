"""Mermaid, DOT and SVG."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from graph_samples import chain_of_additions, detoured, flow, job, plain, replaced, self_replaced
from hypothesis import given
from hypothesis import strategies as st

from controller.documents import FlowInfo
from controller.errors import ArgumentError
from controller.graphs import flow_graph, get_dot, get_mermaid, get_svg
from controller.graphs.layout import GAP, MAX_PER_ROW, arrange, layers
from controller.states import JobState

SVG = "{http://www.w3.org/2000/svg}"
NASTY = 'a "quoted" <b>&amp;</b>\nnext `line` #1; \\ end\tÅ 金属 \x00\x1b\ud800'


def test_mermaid() -> None:
    text = get_mermaid(replaced())
    lines, classes = text.splitlines()[:-16], text.splitlines()[-16:]
    assert lines == [
        "flowchart TD",
        '    1["job 1"]:::COMPLETED',
        '    2["job 2"]:::WAITING',
        '    subgraph flow-new ["replaces job 1 (1)"]',
        '        3["job 3"]:::COMPLETED',
        '        4["job 4"]:::COMPLETED',
        '        5["job 5"]:::COMPLETED',
        "    end",
        "    5 --> 2",
        "    3 --> 5",
        "    4 --> 5",
        "    1 -.-> 5",
    ]
    assert [line.split()[1] for line in classes] == [state.value for state in JobState]
    colours = re.compile(r" +classDef [A-Z_]+ fill:#\w{6},stroke:#\w{6},color:#\w{6}")
    assert all(colours.fullmatch(line) for line in classes)


def test_mermaid_without_frames_and_by_db_id() -> None:
    text = get_mermaid(plain(), "db_id", show_subflows=False)
    assert "subgraph" not in text
    assert '    3["3"]:::WAITING\n' in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            NASTY,
            "a #34;quoted#34; #60;b#62;#38;amp;#60;/b#62;<br/>next #96;line#96; #35;1; "
            "\\ end\tÅ 金属 \ufffd\ufffd\ufffd",
        ),
        ("1. first", "1#46; first"),
        ("- item", "#45; item"),
        ("1.5 GPa", "1.5 GPa"),
        ("", "end"),  # the db_id, where there is no name
    ],
)
def test_mermaid_names(name: str, shown: str) -> None:
    text = get_mermaid(flow(job("end", name=name)))
    assert text.splitlines()[1] == f'    end_["{shown}"]:::COMPLETED'


def test_mermaid_ids_with_a_prefix() -> None:
    text = get_mermaid(flow(job("my proj:1"), job("my proj:2", parents=("umy proj:1",))))
    assert "    my_x20_proj_x3a_1 --> my_x20_proj_x3a_2\n" in text


def test_dot() -> None:
    lines = [re.sub(r", tooltip.*\]", "]", line) for line in get_dot(replaced()).splitlines()]
    assert lines == [
        'digraph "flow" {',
        '    label="a flow";',
        '    node [shape=box, style="rounded,filled", fontname="sans-serif"];',
        '    "1" [label="job 1"];',
        '    "2" [label="job 2"];',
        '    subgraph "cluster_new" { label="replaces job 1 (1)";',
        '        "3" [label="job 3"];',
        '        "4" [label="job 4"];',
        '        "5" [label="job 5"];',
        "    }",
        '    "5" -> "2";',
        '    "3" -> "5";',
        '    "4" -> "5";',
        '    "1" -> "5" [style=dotted];',
        "}",
    ]


def test_dot_names() -> None:
    lines = get_dot(flow(job("1", name=NASTY))).splitlines()
    assert lines[3].startswith(
        '    "1" [label="a \\"quoted\\" <b>&amp;</b>\\nnext `line` #1; \\\\ end\tÅ 金属'
    )
    assert len(lines) == 5


@pytest.mark.parametrize("sample", [plain, replaced, self_replaced, detoured, flow])
def test_svg_is_well_formed(sample: Callable[[], FlowInfo]) -> None:
    graph = flow_graph(sample())
    root = ElementTree.fromstring(get_svg(graph))
    assert root.tag == f"{SVG}svg"
    assert len(root.findall(f"{SVG}g")) == len(graph.jobs)
    assert len(root.findall(f"{SVG}path")) == len(graph.edges)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for box in root.iter(f"{SVG}rect"):
        x, y = float(box.get("x", 0)), float(box.get("y", 0))
        assert x >= 0
        assert x + float(box.attrib["width"]) <= width
        assert y + float(box.attrib["height"]) <= height


def test_svg_names() -> None:
    root = ElementTree.fromstring(get_svg(flow(job("1", name=NASTY), name=NASTY)))
    box = root.find(f"{SVG}g")
    assert box is not None
    assert (box.findtext(f"{SVG}title") or "").startswith('a "quoted" <b>&amp;</b>\nnext')
    cut, state = [text.text for text in box.findall(f"{SVG}text")]
    assert (cut, state) == ('a "quoted" <b>&amp;</b> nex…', "COMPLETED")


@given(name=st.text(), db_id=st.text(min_size=1))
def test_any_name_can_be_drawn(name: str, db_id: str) -> None:
    info = flow(job(db_id, name=name), name=name)
    ElementTree.fromstring(get_svg(info))
    assert len(get_mermaid(info).splitlines()) == 2 + len(JobState)
    assert len(get_dot(info).splitlines()) == 5


@pytest.mark.parametrize("draw", [get_mermaid, get_dot, get_svg])
def test_unknown_labels(draw: Callable[..., str]) -> None:
    with pytest.raises(ArgumentError, match="one of name"):
        draw(plain(), "colour")


def test_layers() -> None:
    assert layers(flow_graph(replaced())) == [["1", "3", "4"], ["5"], ["2"]]
    circle = flow(job("1", parents=("u3",)), job("2", parents=("u1",)), job("3", parents=("u2",)))
    assert sorted(n for layer in layers(flow_graph(circle)) for n in layer) == ["1", "2", "3"]


def test_arrows_lead_down_and_boxes_keep_apart() -> None:
    fan = flow(
        job("0"),
        *(job(str(n), parents=("u0",)) for n in range(1, 41)),
        job("41", parents=tuple(f"u{n}" for n in range(1, 41))),
    )
    graph = flow_graph(fan)
    places = arrange(graph, dict.fromkeys(graph.jobs, 100.0))
    assert all(places[e.source][1] < places[e.target][1] for e in graph.edges)
    rows: dict[int, list[float]] = {}
    for x, row in places.values():
        rows.setdefault(row, []).append(x)
    assert max(map(len, rows.values())) == MAX_PER_ROW
    for row in rows.values():
        assert all(b - a >= 100 + GAP - 1e-6 for a, b in pairwise(sorted(row)))
    assert min(x for x, _ in places.values()) == pytest.approx(50)


@pytest.mark.parametrize("sample", [self_replaced, chain_of_additions])
def test_a_thousand_jobs(sample: Callable[[int], FlowInfo]) -> None:
    info = sample(1000)
    assert get_mermaid(info).count(":::") >= 1000
    assert get_dot(info).count("fillcolor") >= 1000
    assert len(ElementTree.fromstring(get_svg(info)).findall(f"{SVG}g")) >= 1000

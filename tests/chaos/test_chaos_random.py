"""Random flows, operations, crashes and operators at once: nothing is lost, doubled or stuck."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import operations as ops
import pytest
from arena import Arena
from chaos_jobs import KINDS, build_flow
from children import Task
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from points import Fuse
from tally import Tally
from verdict import Ledger, end

SHAPES = st.lists(
    st.tuples(
        st.sampled_from(sorted(KINDS)), st.lists(st.integers(0, 3), max_size=2), st.booleans()
    ),
    min_size=1,
    max_size=4,
)
"""Flows: see `build_flow`."""
FUSES = st.one_of(st.just(Fuse()), st.builds(Fuse, st.integers(1, 12), after=st.booleans()))
LONG_FUSES = st.one_of(st.just(Fuse()), st.builds(Fuse, st.integers(1, 60), after=st.booleans()))
OPERATION = st.tuples(st.sampled_from(sorted(ops.OPERATORS)), st.integers(0, 12), st.integers(1, 4))


class Chaos(RuleBasedStateMachine):
    """One project, and all that happens to it."""

    arena: Arena
    empty: Path
    tally: Tally

    def __init__(self) -> None:
        super().__init__()
        self.arena.restore(self.empty)
        self.ledger = Ledger()
        self.died: list[Any] = []
        self.half_inserted = self.broken = False

    def _do(self, *tasks: tuple[str, Any, Fuse]) -> list[Any]:
        self.broken = True  # until this has ended well
        reports = self.arena.do_all([Task(work, fuse) for _, work, fuse in tasks])
        for (name, _, _), report in zip(tasks, reports):
            self.tally.take(name, report)
            self.ledger.take(report.notes)
        self.broken = False
        return reports

    @initialize(shape=SHAPES)
    def begin(self, shape: Any) -> None:
        self.submit(shape, Fuse())

    @rule(shape=SHAPES, fuse=FUSES)
    def submit(self, shape: Any, fuse: Fuse) -> None:
        self._submit(build_flow(shape), fuse)

    def _submit(self, flow: Any, fuse: Fuse) -> None:
        (report,) = self._do(("submit", partial(ops.submit, self.arena, flow), fuse))
        if report.killed:
            self.died.append(flow)
            self.half_inserted = True
        elif report.refused is None:
            self.ledger.flows[flow.uuid] = list(flow.job_uuids)

    @precondition(lambda self: self.died)
    @rule()
    def submit_again(self) -> None:
        self._submit(self.died.pop(), Fuse())

    @rule(rounds=st.integers(1, 3), fuse=LONG_FUSES)
    def advance(self, rounds: int, fuse: Fuse) -> None:
        self._do(("advance", partial(ops.advance, self.arena, rounds, patient=False), fuse))

    @rule(limit=st.integers(1, 4), vanish=st.sampled_from([False, False, False, True]))
    def execute(self, limit: int, vanish: bool) -> None:
        self._do(("execute", partial(ops.execute, self.arena, limit, vanish=vanish), Fuse()))

    @rule(operation=OPERATION, fuse=FUSES)
    def operate(self, operation: Any, fuse: Fuse) -> None:
        self._do((operation[0], partial(ops.operate, self.arena, *operation), fuse))

    @rule(one=OPERATION, other=OPERATION, fuses=st.tuples(FUSES, FUSES))
    def operate_both(self, one: Any, other: Any, fuses: Any) -> None:
        self._do(
            (one[0], partial(ops.operate, self.arena, *one), fuses[0]),
            (other[0], partial(ops.operate, self.arena, *other), fuses[1]),
        )

    @rule(operation=OPERATION, fuses=st.tuples(FUSES, LONG_FUSES))
    def operate_beside_runner(self, operation: Any, fuses: Any) -> None:
        self._do(
            (operation[0], partial(ops.operate, self.arena, *operation), fuses[0]),
            ("advance", partial(ops.advance, self.arena, 2, patient=True), fuses[1]),
        )

    @rule(fuses=st.tuples(LONG_FUSES, LONG_FUSES))
    def advance_both(self, fuses: Any) -> None:
        self._do(
            *(("advance", partial(ops.advance, self.arena, 2, patient=True), f) for f in fuses)
        )

    @rule(half=st.booleans(), fuse=FUSES)
    def cure(self, half: bool, fuse: Fuse) -> None:
        self._do(("doctor", partial(ops.cure, self.arena, half_inserted=half), fuse))

    def teardown(self) -> None:
        if self.broken:
            return
        self.tally.sequences += 1
        self._do(("unlock", partial(ops.unlock, self.arena), Fuse()))
        self.tally.ends.update(end(self.arena, self.ledger, half_inserted=self.half_inserted))


def _number(name: str, default: int) -> int:
    return int(os.environ.get(f"JFR_CHAOS_{name}", default))


SEQUENCES, STEPS, SEED = _number("SEQUENCES", 24), _number("STEPS", 6), _number("SEED", 0)
SHARDS, SHRINK = _number("SHARDS", 2), _number("SHRINK", 0)
"""From the environment: JFR_CHAOS_SEQUENCES and so on."""
SERVER_SHARE = 8
"""One of so many sequences runs on the server too, which takes some milliseconds a command."""


def _run(arena: Arena, number: int, examples: int) -> Tally:
    """Run sequences that depend on nothing but a number."""
    empty, tally = arena.folder.with_name("empty"), Tally()
    arena.create()
    arena.save(empty)
    machine = type("Chaos", (Chaos,), {"arena": arena, "empty": empty, "tally": tally})
    machine._hypothesis_internal_use_seed = number
    options = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate, *([Phase.shrink] if SHRINK else [])],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(machine, settings=options)
    except BaseException:
        print(f"JFR_CHAOS_SEED={number}")
        raise
    return tally


@pytest.mark.parametrize("transactions", [True, False], ids=["whole", "by-degrees"])
@pytest.mark.parametrize("shard", range(SHARDS))
def test_random_sequences(
    chaos_folder: Path, shard: int, transactions: bool, record_property: Any
) -> None:
    arena = Arena.embedded(chaos_folder, transactions=transactions)
    share = 3 if transactions else 1  # of four: a submission by degrees takes longer to end
    number = SEED + 2 * shard + transactions
    tally = _run(arena, number, max(1, SEQUENCES * share // (4 * SHARDS)))
    record_property("chaos embedded, random", tally.plain())


@pytest.mark.mongo
def test_random_sequences_on_a_server(
    chaos_folder: Path, mongo_uri: str, record_property: Any
) -> None:
    arena = Arena.on_server(chaos_folder, mongo_uri)
    try:
        tally = _run(arena, SEED, max(1, SEQUENCES // SERVER_SHARE))
    finally:
        arena.do(partial(_drop, arena))
    record_property("chaos server, random", tally.plain())


def _drop(arena: Arena) -> None:
    with arena.controller() as controller:
        for name in controller.queue.database.collection_names():
            controller.queue.database.collection(name).drop()

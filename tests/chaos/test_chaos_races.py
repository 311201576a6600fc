"""Races that random sequences found, each by itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import operations as ops
import pytest
from arena import Arena
from chaos_jobs import build_flow
from points import Fuse
from verdict import Ledger, end

from controller.operations.steps import StepOutcome, StepResult
from controller.runner import job_steps
from controller.schedulers import Queue, submissions


def test_a_flow_that_is_deleted_while_its_job_is_submitted(chaos_folder: Path) -> None:
    arena = Arena.embedded(chaos_folder, transactions=True)
    arena.create()
    flow = build_flow([("plain", [], False)])
    arena.do(partial(ops.submit, arena, flow))

    def race() -> tuple[int, int]:
        really = Queue.send_many

        def submit(self: Any, *given: Any) -> Any:
            found = really(self, *given)
            with arena.controller() as other:
                other.delete_flows(flow.uuid, delete_files=True)
            return found

        with pytest.MonkeyPatch.context() as patch, arena.runner() as runner:
            patch.setattr(Queue, "send_many", submit)
            # What the deletion can know is that the job may be submitted, not as what.
            patch.setattr(Queue, "earlier_submissions", lambda *_: [])
            # A lock that was lost ends the step of its job, not the round.
            results = []
            really_take = job_steps.take_steps

            def take(*given: Any, **options: Any) -> list[StepOutcome]:
                outcomes = really_take(*given, **options)
                results.extend(outcome.result for outcome in outcomes)
                return outcomes

            patch.setattr(job_steps, "take_steps", take)
            runner.advance()
            assert StepResult.LOST in results
            entries = runner.controller.auxiliary.count_documents({"aftermath": {"$exists": True}})
        return len(arena.cluster.listed()), entries

    assert arena.do(race).result == (0, 0)


SUBMITTED = "schedulers/submissions:submit_many host.exchange after"


@pytest.mark.parametrize("moment", ["before", "within"])
@pytest.mark.parametrize("transactions", [True, False], ids=["whole", "by-degrees"])
def test_a_runner_that_dies_after_it_submitted_a_job_whose_flow_was_deleted(
    chaos_folder: Path, transactions: bool, moment: str
) -> None:
    arena = Arena.embedded(chaos_folder, transactions=transactions)
    arena.create()
    flow, ledger = build_flow([("plain", [], False)]), Ledger()
    arena.do(partial(ops.submit, arena, flow))

    def race() -> None:
        really = submissions.submit_many

        def submit(host: Any, jobs: Any, *rest: Any) -> Any:
            ((run_dir, _, _),) = jobs
            with arena.controller() as other:
                if moment == "within":
                    (run_dir / "jfr_submitting").touch()
                other.delete_flows(flow.uuid)
                left = other.auxiliary.count_documents({"aftermath": {"$exists": True}})
                assert left == (moment == "within")
                if moment == "within":  # the shell had looked for it before
                    (run_dir / "jfr_withdrawn").unlink()
            return really(host, jobs, *rest)

        with pytest.MonkeyPatch.context() as patch, arena.runner() as runner:
            patch.setattr(submissions, "submit_many", submit)
            runner.advance()

    report = arena.do(race, Fuse(point=SUBMITTED))
    assert (report.killed, report.error) == (SUBMITTED, None)
    ledger.take([("deleted flows", {flow.uuid})])
    end(arena, ledger)
    assert arena.cluster.listed() == {}
    assert arena.cluster.executed() == []

"""Flows in any state, without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from controller.config import Project
from controller.documents import new_flow_document, new_job_document
from controller.jobcontroller import JobController
from controller.rules import flow_state, get_flow_leafs
from controller.states import FlowState, JobState


class Stage:
    """A controller, and flows that are put into the database as they are wanted.

    Parameters
    ----------
    store
        Description of the queue's store.
    folder
        Where run directories would go.
    """

    def __init__(self, store: dict[str, Any], folder: Path) -> None:
        self.project = Project.model_validate(
            {
                "name": "stage",
                "base_dir": str(folder),
                "queue": {"store": store},
                "workers": {
                    name: {
                        "type": "local",
                        "scheduler_type": "shell",
                        "work_dir": str(folder / "work"),
                    }
                    for name in ("local", "other")
                },
                "exec_config": {"fast": {"export": {"A": "1"}, "pre_run": "echo fast"}},
                "jobstore": {
                    "docs_store": {
                        "type": "EmbeddedStore",
                        "path": str(folder / "outputs.db"),
                        "collection_name": "outputs",
                    }
                },
            }
        )
        self.controller = JobController.from_project(self.project)
        self.controller.reset()
        self._count = 0

    def flow(self, **jobs: str | tuple[Any, ...]) -> dict[str, str]:
        """Add a flow; returns {name: db_id}, and the flow's uuid under "flow".

        Parameters
        ----------
        jobs
            name=state, or name=(state, names of the parents...). A name that ends in a number
            after an underscore is that index of the job: ``a_2`` replaced ``a``.
        """
        uuid = str(uuid4())
        uuids: dict[str, str] = {}
        documents, parents, ids = [], {}, []
        found: dict[str, str] = {"flow": uuid}
        for key, said in jobs.items():
            state, *above = (said,) if isinstance(said, str) else said
            options = above.pop() if above and isinstance(above[-1], dict) else {}
            name, _, index = key.partition("_")
            job_uuid = uuids.setdefault(name, str(uuid4()))
            self._count += 1
            db_id = str(self._count)
            config = {"on_missing_references": options.pop("on_missing", "error")}
            body = {
                "uuid": job_uuid,
                "index": int(index or 1),
                "name": name,
                "hosts": [uuid],
                "metadata": {},
                "config": config,
            }
            document = new_job_document(
                body,
                db_id=db_id,
                parents=[uuids[n] for n in above],
                state=JobState(state),
                worker="local",
            )
            document.update(options)
            documents.append(document)
            by_index = parents.setdefault(job_uuid, {})
            by_index[str(index or 1)] = document["parents"]
            ids.append((db_id, job_uuid, int(index or 1)))
            found[key] = db_id
        flow = new_flow_document(uuid=uuid, name="flow", metadata={}, ids=ids, parents=parents)
        flow["state"] = derived(documents).value
        self.controller.jobs.insert_many(documents)
        self.controller.flows.insert_one(flow)
        return found

    def job(self, db_id: str) -> dict[str, Any]:
        """The document of a job."""
        found = self.controller.jobs.find_one({"db_id": db_id})
        assert found is not None
        return found

    def state(self, db_id: str) -> str:
        """State of a job."""
        return str(self.job(db_id)["state"])

    def states(self, names: dict[str, str]) -> dict[str, str]:
        """{name: state} of the jobs that `flow` returned."""
        found = {}
        for name, db_id in names.items():
            if name != "flow":
                document = self.controller.jobs.find_one({"db_id": db_id}, ["state"])
                found[name] = document["state"] if document else "gone"
        return found

    def flow_state(self, names: dict[str, str]) -> str:
        """State of a flow."""
        found = self.controller.flows.find_one({"uuid": names["flow"]}, ["state"])
        assert found is not None
        return str(found["state"])

    def hold(self, db_id: str, *, leased: bool = True) -> None:
        """Lock a job as a process elsewhere would."""
        self.controller.jobs.update_one({"db_id": db_id}, {"$set": lock("elsewhere", leased)})

    def hold_flow(self, names: dict[str, str], *, leased: bool = True) -> None:
        """Lock a flow as a process elsewhere would."""
        self.controller.flows.update_one({"uuid": names["flow"]}, {"$set": lock("far", leased)})

    def check(self) -> None:
        """Assert that nothing is locked and that every flow's state is what its jobs give."""
        jobs = list(self.controller.jobs.find({}))
        assert not [j["db_id"] for j in jobs if j["lock_id"] is not None]
        for flow in self.controller.flows.find({}):
            assert flow["lock_id"] is None
            mine = [j for j in jobs if j["job"]["hosts"][-1] == flow["uuid"]]
            assert flow["state"] == derived(mine).value, (flow, [j["state"] for j in mine])
            assert sorted(map(tuple, flow["ids"])) == sorted(
                (j["db_id"], j["uuid"], j["index"]) for j in mine
            )
            assert sorted(flow["jobs"]) == sorted({j["uuid"] for j in mine})
            for j in mine:
                assert sorted(flow["parents"][j["uuid"]][str(j["index"])]) == sorted(j["parents"])


def lock(owner: str, leased: bool) -> dict[str, Any]:
    """Fields of a document that somebody else holds."""
    fields: dict[str, Any] = {"lock_id": owner, "lock_time": None}
    if leased:
        fields["lock_lease"] = {"id": owner, "owner": {"host": "elsewhere", "pid": 1}, "seq": 0}
    return fields


def derived(documents: list[dict[str, Any]]) -> FlowState:
    """The state that jobs give their flow, by the rule alone."""
    leaves = get_flow_leafs(documents)
    return flow_state(
        [JobState(d["state"]) for d in documents], [JobState(d["state"]) for d in leaves]
    )

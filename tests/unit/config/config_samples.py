"""Project files to test with: as jobflow-remote writes them, and the smallest that are valid."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

GENERATED = """\
name: std
workers:
  example_worker:
    type: remote
    scheduler_type: slurm
    work_dir: /path/to/run/folder
    pre_run: source /path/to/python/environment/activate
    timeout_execute: 60
    host: remote.host.net
    user: bob
queue:
  store:
    type: MongoStore
    host: localhost
    database: db_name
    username: bob
    password: secret_password
    collection_name: jobs
exec_config: {}
jobstore:
  docs_store:
    type: MongoStore
    database: db_name
    host: host.mongodb.com
    username: bob
    password: secret_password
    collection_name: outputs
  additional_stores:
    data:
      type: GridFSStore
      database: db_name
      host: host.mongodb.com
      username: bob
      password: secret_password
      collection_name: outputs_blobs
"""

GENERATED_FULL = """\
name: full
base_dir: /home/bob/.jfremote/full
tmp_dir: /home/bob/.jfremote/full/tmp
log_dir: /home/bob/.jfremote/full/log
daemon_dir: /home/bob/.jfremote/full/daemon
log_level: info
runner:
  delay_checkout: 30
  delay_check_run_status: 30
  delay_advance_status: 30
  delay_refresh_limited: 600
  delay_update_batch: 60
  delay_ping_db: 3600
  lock_timeout: 86400
  delete_tmp_folder: true
  max_step_attempts: 3
  delta_retry:
  - 30
  - 300
  - 1200
workers:
  example_worker:
    type: remote
    scheduler_type: slurm
    work_dir: /path/to/run/folder
    resources:
    pre_run: source /path/to/python/environment/activate
    post_run:
    execution_cmd:
    timeout_execute: 60
    max_jobs:
    batch:
    scheduler_username:
    sanitize_command: false
    delay_download:
    host: remote.host.net
    user: bob
    port:
    password:
    key_filename:
    passphrase:
    gateway:
    forward_agent:
    connect_timeout:
    connect_kwargs:
    inline_ssh_env:
    keepalive: 60
    shell_cmd: bash
    login_shell: true
    interactive_login: false
  example_local:
    type: local
    scheduler_type: shell
    work_dir: /path/to/run/folder
    resources:
    pre_run: source /path/to/python/environment/activate
    post_run:
    execution_cmd:
    timeout_execute: 60
    max_jobs:
    batch:
    scheduler_username:
    sanitize_command: false
    delay_download:
queue:
  store:
    type: MongoStore
    host: localhost
    database: db_name
    username: bob
    password: secret_password
    collection_name: jobs
  flows_collection: flows
  auxiliary_collection: jf_auxiliary
  batches_collection: batches
  db_id_prefix:
exec_config:
  example_config:
    modules:
    - GCC/10.2.0
    - OpenMPI/4.0.5-GCC-10.2.0
    export:
      PATH: /path/to/binaries:$PATH
    pre_run: conda activate env_name
    post_run:
jobstore:
  docs_store:
    type: MongoStore
    database: db_name
    host: host.mongodb.com
    username: bob
    password: secret_password
    collection_name: outputs
  additional_stores:
    data:
      type: GridFSStore
      database: db_name
      host: host.mongodb.com
      username: bob
      password: secret_password
      collection_name: outputs_blobs
remote_jobstore:
metadata:
optional_jobstores: {}
"""

MINIMAL: dict[str, Any] = {
    "name": "small",
    "queue": {"store": {"type": "MongoStore", "database": "db", "collection_name": "jobs"}},
}

LOCAL: dict[str, Any] = {"type": "local", "scheduler_type": "shell", "work_dir": "/work"}
REMOTE: dict[str, Any] = {
    "type": "remote",
    "scheduler_type": "slurm",
    "work_dir": "/work",
    "host": "cluster",
}
SEPARATED: dict[str, Any] = {
    **REMOTE,
    "type": "separated_transfer",
    "transfer": {"host": "data.cluster"},
}
BATCH: dict[str, Any] = {"jobs_handle_dir": "/pool", "work_dir": "/batches"}


def content(**changes: Any) -> dict[str, Any]:
    """The smallest project with some top-level keys changed."""
    return {**deepcopy(MINIMAL), **changes}


def with_store(**store: Any) -> dict[str, Any]:
    """The smallest project with another queue store."""
    return content(queue={"store": store})


def put(folder: Path, name: str, text: str | dict[str, Any]) -> Path:
    """Write a file into the projects folder; a dictionary as JSON, which is YAML too."""
    path = folder / name
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return path

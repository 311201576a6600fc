#!/bin/sh
# tests/run.sh PYTHON WORKERS: all tests. The chaos tests fork children that are killed: they run in
# a process of their own, beside the others, and their output is printed at the end.
#
# What the tests write lies in memory where that can be had: most of their time would be spent in
# waiting for a disk, and what is tried is the death of processes, not the loss of power.
python=$1
workers=$2
chaos=
trap 'kill $chaos 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
scratch=$(mktemp -d /dev/shm/jfr-tests.XXXXXX 2>/dev/null)
if [ -n "$scratch" ]; then
  free=$(df -Pk "$scratch" | awk 'NR == 2 { print int($4 / 1024) }')
  printf '#!/bin/sh\n' >"$scratch/program" && chmod +x "$scratch/program"
  # In a container it is often 64 MB, and nothing in it may be executed.
  if [ "$free" -ge 2000 ] && "$scratch/program" 2>/dev/null; then
    export TMPDIR="$scratch"
  fi
fi

# Each process rewrites the assertions of all tests, a minute of a core where none has done so
# before: here two share that, and the others read what these have written.
unset PYTHONDONTWRITEBYTECODE
if [ ! -d tests/__pycache__ ]; then
  collect() { env -u JFR_TESTS_REPORTS "$python" -m pytest -qq --collect-only "$@" >/dev/null 2>&1; }
  collect tests/integration &
  collect tests/acceptance tests/contract tests/unit tests/web || true
  wait
fi

"$python" -m pytest tests/chaos >.chaos.log 2>&1 &
chaos=$!
status=0
"$python" -m pytest -n "$workers" --dist worksteal --ignore tests/chaos || status=$?
wait "$chaos" || status=$?
chaos=
cat .chaos.log
exit "$status"

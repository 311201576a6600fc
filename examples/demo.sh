#!/usr/bin/env bash
# The demonstration, in a folder of its own: what a user types, in the order a user would.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?a folder to work in}
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
JFREMOTE_PROJECTS_FOLDER=$PWD/projects
JFREMOTE_CONFIG_FILE=$PWD/settings.yaml
export JFREMOTE_PROJECTS_FOLDER JFREMOTE_CONFIG_FILE
touch "$JFREMOTE_CONFIG_FILE"

show() {
  printf '\n$ %s\n' "$*"
  "$@"
}

show jf quickstart
show python "$here/equation_of_state.py"
printf '\n$ jf runner run --until-idle\n'
status=0
jf runner run --until-idle --log-level error || status=$?
# 7: one job is there to fail, so that you see what that looks like.
[ "$status" = 7 ] || { echo "the runner ended with $status, not 7"; exit 1; }
show jf flow list
show jf flow info 1
show jf job list -s COMPLETED -n 'fit *'
failed=$(jf job list -s FAILED --format name)
show jf job info "$failed"
printf '\nThe physical result (lattice constant in Angstrom, bulk modulus in GPa):\n'
for job in $(jf job list -n 'fit *' --sort db_id --reverse-sort --format name); do
  show jf job output "$job"
done

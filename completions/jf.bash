# bash completion for jf. Made by `make generate` from the commands; do not edit.
# Put it into ~/.local/share/bash-completion/completions/jf, or source it.

# What may follow the words of a command: commands and options; in `asks` what has a value that jf
# knows, with the kind of it; in `takes` options with another value; in `choices` what has one of
# a few words, and these behind a bar. <1> is the first argument, <n> each one that has no number.
_jf_facts() {
    commands='' options='' asks='' takes='' choices=()
    case $1 in
    '')
        commands='quickstart demo job flow events top metrics notify runner project worker admin batch backup gui plugin'
        options='--project -p --full-exc -fe --warn-project -wp --format --json --color --no-pager --tree --version --install-completion --show-completion --help -h'
        asks='--project=projects -p=projects'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
            '--color |auto always never'
        )
        ;;
    ' quickstart')
        options='--dry-run --format --json --help -h'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' demo')
        options='--dry-run --format --json --help -h'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job')
        commands='list info output wait why history set-state rerun retry pause resume stop delete cd queue-out log todir report set files filter'
        options='--tree --help -h'
        ;;
    ' job list')
        options='--verbosity --verbose -v --max-results -m --sort --reverse-sort -revs --locked -l --latest-flow -lf --error -e --running -run --count --stored-data-key -sdk --color -col --archived --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --columns --output -o --watch -W --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers <n>=job_filters'
        takes='--max-results -m --latest-flow -lf --stored-data-key -sdk --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match --columns --output -o'
        choices=(
            '--sort |created_on updated_on db_id'
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job info')
        options='--pid --show-none -n --verbosity --verbose -v --format --json --watch -W --help'
        asks='<1>=jobs'
        takes='--pid'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job output')
        options='--path -p --load -l --format --json --help'
        asks='<1>=jobs'
        takes='--path -p'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job wait')
        options='--for --timeout --any --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers <n>=jobs'
        takes='--timeout --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--for |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job why')
        options='--format --json --watch -W --help'
        asks='<1>=jobs'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job history')
        options='--format --json --columns --watch -W --help'
        asks='<1>=jobs'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job dump')
        options='--path -p --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers'
        takes='--path -p --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job set-state')
        options='--wait -w --break-lock -bl --verbosity --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers <2>=jobs'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
            '<1> |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
        )
        ;;
    ' job rerun')
        options='--force -f --no-delete -nd --wait -w --break-lock -bl --raise-on-error -re --verbosity --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers <1>=jobs'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job retry')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbosity --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers <1>=jobs'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job pause')
        options='--wait -w --raise-on-error -re --verbosity --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers <1>=jobs'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job resume')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbosity --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers <1>=jobs'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job play')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbosity --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers <1>=jobs'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job stop')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbosity --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers <1>=jobs'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job delete')
        options='--output -o --files -fi --all -a --wait -w --break-lock -bl --raise-on-error -re --verbosity --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers <1>=jobs'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job cd')
        options='--format --json --help'
        asks='<1>=jobs'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job queue-out')
        options='--format --json --help'
        asks='<1>=jobs'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job log')
        options='--follow -f --lines -n --file --timeout --format --json --help'
        asks='<1>=jobs'
        takes='--lines -n --file --timeout'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job todir')
        options='--shell -s --help'
        asks='<1>=jobs'
        takes='--shell -s'
        ;;
    ' job report')
        options='--format --json --watch -W --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
            '<1> |hours days weeks months years'
        )
        ;;
    ' job set')
        commands='worker exec-config resources retry priority'
        options='--tree --help -h'
        ;;
    ' job set worker')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbosity --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers <1>=workers'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job set exec-config')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbosity --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers <1>=exec_configs'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job set resources')
        options='--replace -r --qresources -qr --wait -w --break-lock -bl --raise-on-error -re --verbosity --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job set retry')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbosity --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job set priority')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbosity --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job files')
        commands='ls get delete'
        options='--tree --help -h'
        ;;
    ' job files ls')
        options='--format --json --help'
        asks='<1>=jobs'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job files get')
        options='--index -i --path -p --format --json --help'
        asks='<1>=jobs'
        takes='--index -i --path -p'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job files delete')
        options='--index -i --all-states -as --force -f --dry-run --format --json --help'
        asks='<1>=jobs'
        takes='--index -i'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job filter')
        commands='list save delete'
        options='--tree --help -h'
        ;;
    ' job filter list')
        options='--format --json --columns --watch -W --help'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job filter save')
        options='--replace --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --cause --error-match --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers'
        takes='--start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --cause --error-match'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' job filter delete')
        options='--dry-run --format --json --columns --help'
        asks='<n>=job_filters'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow')
        commands='list info wait submit delete clean resume archive unarchive graph report set filter'
        options='--tree --help -h'
        ;;
    ' flow list')
        options='--verbosity --verbose -v --max-results -m --sort --reverse-sort -revs --locked -l --count --archived --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --format --json --columns --watch -W --help'
        asks='--job-id=job_uuids -jid=job_uuids --db-id=jobs -did=jobs --flow-id=flows -fid=flows <n>=flow_filters'
        takes='--max-results -m --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --columns'
        choices=(
            '--sort |created_on updated_on db_id'
            '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow info')
        options='--job -j --verbosity --verbose -v --stored-data-key -sdk --jobs-sort --sort --reverse-jobs-sort --reverse-sort -jrevs -revs --report -rep --format --json --columns --output -o --watch -W --help'
        asks='<1>=flows'
        takes='--stored-data-key -sdk --columns --output -o'
        choices=(
            '--jobs-sort --sort |created_on updated_on db_id'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow wait')
        options='--for --timeout --any --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --format --json --help'
        asks='--job-id=job_uuids -jid=job_uuids --db-id=jobs -did=jobs --flow-id=flows -fid=flows <n>=flows'
        takes='--timeout --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        choices=(
            '--for |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED'
            '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow submit')
        options='--worker -wk --resources --exec-config --priority --metadata -meta --jobstore --allow-external-references --wait --timeout --dry-run --format --json --help'
        asks='--worker=workers -wk=workers --exec-config=exec_configs'
        takes='--resources --priority --metadata -meta --jobstore --timeout'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow delete')
        options='--yes -y --max -m --verbosity --verbose -v --output -o --files -fi --all -a --keep-processes -kp --wait -w --break-lock -bl --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --format --json --help'
        asks='--job-id=job_uuids -jid=job_uuids --db-id=jobs -did=jobs --flow-id=flows -fid=flows'
        takes='--max -m --wait -w --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        choices=(
            '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow clean')
        options='--verbosity --verbose -v --locked -l --force -f --yes -y --all-states -as --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --format --json --help'
        asks='--job-id=job_uuids -jid=job_uuids --db-id=jobs -did=jobs --flow-id=flows -fid=flows'
        takes='--start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        choices=(
            '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow resume')
        options='--job -j --wait -w --break-lock -bl --dry-run --format --json --help'
        asks='<1>=flows'
        takes='--wait -w'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow archive')
        options='--yes -y --wait -w --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --format --json --help'
        asks='--job-id=job_uuids -jid=job_uuids --db-id=jobs -did=jobs --flow-id=flows -fid=flows'
        takes='--wait -w --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        choices=(
            '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow unarchive')
        options='--yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --format --json --help'
        asks='--job-id=job_uuids -jid=job_uuids --db-id=jobs -did=jobs --flow-id=flows -fid=flows'
        takes='--start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        choices=(
            '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow graph')
        options='--job -j --label -l --path -p --as --mermaid -m --dash -d --format --json --help'
        asks='<1>=flows'
        takes='--path -p'
        choices=(
            '--label -l |name db_id uuid index state worker'
            '--as |tree mermaid dot svg'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow report')
        options='--format --json --watch -W --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
            '<1> |hours days weeks months years'
        )
        ;;
    ' flow set')
        commands='store'
        options='--tree --help -h'
        ;;
    ' flow set store')
        options='--job -j --dry-run --format --json --help'
        asks='<1>=flows'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow filter')
        commands='list save delete'
        options='--tree --help -h'
        ;;
    ' flow filter list')
        options='--format --json --columns --watch -W --help'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow filter save')
        options='--replace --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --format --json --help'
        asks='--job-id=job_uuids -jid=job_uuids --db-id=jobs -did=jobs --flow-id=flows -fid=flows'
        takes='--start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        choices=(
            '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' flow filter delete')
        options='--dry-run --format --json --columns --help'
        asks='<n>=flow_filters'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' events')
        options='--follow -f --job -j --flow --kind -k --state -s --worker -wk --runner --actor --since --until --max-results -m --verbosity --verbose -v --format --json --columns --help -h'
        asks='--job=jobs -j=jobs --flow=flows --worker=workers -wk=workers'
        takes='--runner --actor --since --until --max-results -m --columns'
        choices=(
            '--kind -k |states state claim attempt_started attempt_ended step_failed takeover added deleted flow action admin runner'
            '--state -s |BATCH_RUNNING BATCH_SUBMITTED CHECKED_OUT COMPLETED DOWNLOADED FAILED PAUSED READY REMOTE_ERROR RUNNING RUN_FINISHED STOPPED SUBMITTED UPLOADED USER_STOPPED WAITING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' top')
        options='--interval -d --once --format --json --help -h'
        takes='--interval -d'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' metrics')
        options='--help -h'
        ;;
    ' notify')
        commands='list test'
        options='--tree --help -h'
        ;;
    ' notify list')
        options='--format --json --columns --watch -W --help'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' notify test')
        options='--format --json --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' runner')
        commands='start stop shutdown kill restart reload pause resume foreground log unit run status list info reset update-status'
        options='--tree --help -h'
        ;;
    ' runner start')
        options='--transfer -t --complete -com --single -s --log-level -log --connect-interactive -i --all-projects --metrics --format --json --help'
        takes='--transfer -t --complete -com'
        choices=(
            '--log-level -log |error warn info debug'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' runner stop')
        options='--wait -w --all -a --json -j --max-wait -m --runner --host --help'
        takes='--json -j --max-wait -m --runner --host'
        ;;
    ' runner shutdown')
        options='--wait -w --all -a --json -j --max-wait -m --runner --host --help'
        takes='--json -j --max-wait -m --runner --host'
        ;;
    ' runner stop-processes')
        options='--wait -w --all -a --json -j --max-wait -m --runner --host --help'
        takes='--json -j --max-wait -m --runner --host'
        ;;
    ' runner kill')
        options='--wait -w --all -a --json -j --max-wait -m --runner --host --help'
        takes='--json -j --max-wait -m --runner --host'
        ;;
    ' runner restart')
        options='--format --json --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' runner reload')
        options='--runner --host --format --json --help'
        takes='--runner --host'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' runner pause')
        options='--runner --host --format --json --help'
        takes='--runner --host'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' runner resume')
        options='--runner --host --format --json --help'
        takes='--runner --host'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' runner foreground')
        options='--help'
        ;;
    ' runner log')
        options='--follow -f --lines -n --runner --level --help'
        takes='--lines -n --runner'
        choices=(
            '--level |error warn info debug'
        )
        ;;
    ' runner unit')
        options='--cron --help'
        ;;
    ' runner run')
        options='--log-level -log --set-pid -pid --transfer -t --complete -com --queue -q --checkout -cho --connect-interactive -i --daemonized -d --until-idle --max-time --metrics --format --json --help'
        takes='--max-time'
        choices=(
            '--log-level -log |error warn info debug'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' runner status')
        options='--notify --format --json --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' runner list')
        options='--verbosity --verbose -v --format --json --columns --watch -W --help'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' runner info')
        options='--verbosity --verbose -v --pings -p --format --json --watch -W --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' runner reset')
        options='--yes -y --break-lock -bl --dry-run --format --json --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' runner update-status')
        options='--log-level -log --set-pid -pid --connect-interactive -i --dry-run --format --json --help'
        choices=(
            '--log-level -log |error warn info debug'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' project')
        commands='list generate check check-conflicts validate show remove migrate worker exec_config edit'
        options='--tree --help -h'
        ;;
    ' project list')
        options='--warn -w --format --json --columns --watch -W --help'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' project generate')
        options='--format -f --full --dry-run --json --help'
        choices=(
            '--format -f |yaml json toml'
        )
        ;;
    ' project check')
        options='--jobstore -js --queue -q --worker -w --errors -e --full -f --format --json --columns --watch -W --help'
        asks='--worker=workers -w=workers'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' project check-conflicts')
        options='--format --json --columns --watch -W --help'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' project validate')
        options='--format --json --columns --watch -W --help'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' project show')
        options='--resolved --format --json --help'
        asks='<1>=projects'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' project remove')
        options='--keep-folders -k --yes -y --dry-run --format --json --help'
        asks='<1>=projects'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' project migrate')
        options='--to --switch --queue-only --yes -y --dry-run --format --json --columns --help'
        takes='--to --columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' project worker')
        commands='list'
        options='--tree --help -h'
        ;;
    ' project worker list')
        options='--verbosity --verbose -v --format --json --columns --watch -W --help'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' project exec_config')
        commands='list'
        options='--tree --help -h'
        ;;
    ' project exec_config list')
        options='--verbosity --verbose -v --format --json --columns --watch -W --help'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' project edit')
        commands='replace'
        options='--tree --help -h'
        ;;
    ' project edit replace')
        options='--all -a --yes -y --no-backup -nb --dry-run --format --json --columns --help'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' worker')
        commands='login test'
        options='--tree --help -h'
        ;;
    ' worker login')
        options='--format --json --help'
        asks='<1>=workers'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' worker test')
        options='--exec-config -ec --connect --timeout --format --json --help'
        asks='--exec-config=exec_configs -ec=exec_configs <1>=workers'
        takes='--connect --timeout'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' admin')
        commands='upgrade doctor log reset compact unlock unlock-flow unlock-runner index'
        options='--tree --help -h'
        ;;
    ' admin upgrade')
        options='--no-dry-run -ndr --check-env -ce --target -t --force -f --yes -y --dry-run --format --json --help'
        takes='--target -t'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' admin doctor')
        options='--fix --watch-locks --outputs --files --foreign-locks --half-inserted --notify --yes -y --dry-run --format --json --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' admin log')
        options='--since --max-results -m --verbosity --verbose -v --format --json --columns --watch -W --help'
        takes='--since --max-results -m --columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' admin reset')
        options='--output -o --yes -y --dry-run --format --json --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' admin compact')
        options='--dry-run --format --json --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' admin unlock')
        options='--yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --worker -wk --format --json --help'
        asks='--job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs --flow-id=flows -fid=flows --worker=workers -wk=workers'
        takes='--start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs'
        choices=(
            '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' admin unlock-flow')
        options='--yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --days -ds --hours -hs --format --json --help'
        asks='--job-id=job_uuids -jid=job_uuids --db-id=jobs -did=jobs --flow-id=flows -fid=flows'
        takes='--start-date -sdate --end-date -edate --name -n --days -ds --hours -hs'
        choices=(
            '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' admin unlock-runner')
        options='--dry-run --format --json --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' admin index')
        commands='rebuild create'
        options='--tree --help -h'
        ;;
    ' admin index rebuild')
        options='--foreground -fg --yes -y --dry-run --format --json --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' admin index create')
        options='--foreground -fg --collection -c --unique -u --dry-run --format --json --help'
        choices=(
            '--collection -c |jobs flows aux batches'
            '--format |table wide json ndjson yaml csv name count'
            '<2> |asc desc'
        )
        ;;
    ' batch')
        commands='list info delete'
        options='--tree --help -h'
        ;;
    ' batch list')
        options='--worker -wk --max-results -m --state -s --job-id -jid --db-id -did --verbosity --verbose -v --format --json --columns --watch -W --help'
        asks='--worker=workers -wk=workers --job-id=job_uuids_with_index -jid=job_uuids_with_index --db-id=jobs -did=jobs'
        takes='--max-results -m --columns'
        choices=(
            '--state -s |SUBMITTED RUNNING FINISHED'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' batch info')
        options='--format --json --watch -W --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' batch delete')
        options='--state -s --process-id -pid --batch-uid -bid --worker -wk --yes -y --dry-run --format --json --help'
        asks='--worker=workers -wk=workers'
        takes='--process-id -pid --batch-uid -bid'
        choices=(
            '--state -s |SUBMITTED RUNNING FINISHED'
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' batch fix-batch-doc-jobs-dict')
        options='--dry-run --format --json --help'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' backup')
        commands='create restore'
        options='--tree --help -h'
        ;;
    ' backup create')
        options='--compress -c --mongo-path -m --python -p --dry-run --format --json --help'
        takes='--mongo-path -m'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' backup restore')
        options='--mongo-path -m --python -p --dry-run --format --json --help'
        takes='--mongo-path -m'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' gui')
        options='--port -p --host --socket --actions --help -h'
        takes='--port -p --host --socket'
        ;;
    ' plugin')
        commands='list'
        options='--tree --help -h'
        ;;
    ' plugin list')
        options='--error -e --format --json --columns --watch -W --help'
        takes='--columns'
        choices=(
            '--format |table wide json ndjson yaml csv name count'
        )
        ;;
    ' execution')
        commands='run pool run-batch'
        options='--tree --help -h'
        ;;
    ' execution run')
        options='--help'
        ;;
    ' execution pool')
        options='--help'
        ;;
    ' execution run-batch')
        options='--max-time -mt --max-wait -mw --max-jobs -mj --parallel-jobs -pj --sleep-time -st --help'
        takes='--max-time -mt --max-wait -mw --max-jobs -mj --parallel-jobs -pj --sleep-time -st'
        ;;
    *) return 1 ;;
    esac
}

_jf() {
    local line=${COMP_LINE:0:COMP_POINT} program=$1 cur word entry trail='' option='' project='' i
    local commands options asks takes choices=() words candidates=() kind='' position=1 kept=''
    [[ $program == '~'* ]] && program=$HOME${program:1}
    COMPREPLY=()
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    cur=${words[${#words[@]} - 1]}
    _jf_facts ''
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        word=${words[i]}
        if [[ -n $option ]]; then
            [[ -z $trail && $option == @(-p|--project) ]] && project=$word
            option=''
        elif [[ -z $trail && $word == --project=* ]]; then
            project=${word#*=}
        elif [[ $word == -* ]]; then
            [[ " $asks " == *" $word="* || " $takes ${choices[*]} " == *" $word "* ]] &&
                option=$word
        elif [[ -n $commands ]]; then
            trail+=" $word"
            _jf_facts "$trail" || return 0
        else
            ((position++))
        fi
    done
    if [[ -z $option && $cur == --*=* ]]; then
        option=${cur%%=*} cur=${cur#*=}
    elif [[ -z $option && $cur == -* ]]; then
        candidates=($options)
    elif [[ -z $option && -n $commands ]]; then
        candidates=($commands)
    elif [[ -z $option ]]; then
        option="<$position>"
        [[ " $asks ${choices[*]} " == *" $option"[\ =]* ]] || option='<n>'
    fi
    for entry in "${choices[@]}"; do
        [[ " ${entry%%|*}" == *" $option "* ]] || continue
        candidates=(${entry#*|})
        # As jf takes them: in small letters, too.
        [[ $cur == *[a-z]* && " ${candidates[*]}" != *" $cur"* ]] && candidates=(${candidates[*],,})
    done
    for entry in $asks; do
        [[ $entry == "$option="* ]] && kind=${entry#*=}
    done
    if [[ -n $kind ]]; then
        mapfile -t candidates < <(env _JF_OFFER="$kind" _JF_PROJECT="$project" _JF_WORD="$cur" \
            "$program" 2>/dev/null)
        candidates=("${candidates[@]%%$'\t'*}")
    elif [[ -n $option && ${#candidates[@]} -eq 0 ]]; then
        compopt -o default 2>/dev/null
        return 0
    fi
    # A colon begins a new word for bash: what is before it stays.
    [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]] && kept=${cur%"${cur##*:}"}
    for word in "${candidates[@]}"; do
        [[ $word == "$cur"* ]] && COMPREPLY+=("$(printf %q "${word#"$kept"}")")
    done
    return 0
}

complete -o nosort -F _jf jf 2>/dev/null || complete -F _jf jf

# fish completion for jf. Made by `make generate` from the commands; do not edit.
# Put it into ~/.config/fish/completions/jf.fish

# What may follow the words of a command: commands and options; in `asks` what has a value that jf
# knows, with the kind of it; in `takes` options with another value; in `choices` what has one of
# a few words, and these behind a bar. <1> is the first argument, <n> each one that has no number.
function __jf_facts
    set -g __jf_commands
    set -g __jf_options
    set -g __jf_asks
    set -g __jf_takes
    set -g __jf_choices
    switch "$argv[1]"
        case ''
            set __jf_commands \
                quickstart\t'Make a project on the embedded database, with a local worker, ready to run.' \
                demo\t'Submit the equation of state of some metals, in the selected project.' \
                job\t'List jobs, look into them and change them.' \
                flow\t'List flows, look into them and change them.' \
                runner\t'Run the jobs of a project, and see who does.' \
                project\t'Make, list, check, change and move projects.' \
                worker\t'Log in to machines that ask for a second factor.' \
                admin\t'Set up, repair and look after the database.' \
                batch\t'Look after batch processes, which run many jobs in one submission.' \
                backup\t'Copy the queue database into files, and back.' \
                gui\t'Look at the project in a browser.' \
                plugin\t'List what other packages add to this program.'
            set __jf_options \
                --project\t'Name of the project.' \
                -p\t'Name of the project.' \
                --full-exc\t'Show whole tracebacks.' \
                -fe\t'Show whole tracebacks.' \
                --warn-project\t'Warn about unusable project files.' \
                -wp\t'Warn about unusable project files.' \
                --format\t'One of table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --color\t'auto, always, never.' \
                --no-pager\t'Never show long tables in a pager.' \
                --tree\t'Print all commands.' \
                --version\t'Print the version.' \
                --install-completion\t'Let TAB complete words in this shell.' \
                --show-completion\t'Print the script for that.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
            set __jf_asks '--project=projects' '-p=projects'
            set __jf_choices '--format |table wide json ndjson yaml csv name count' '--color |auto always never'
        case ' quickstart'
            set __jf_options \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' demo'
            set __jf_options \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job'
            set __jf_commands \
                list\t'List jobs, the one that changed last first.' \
                info\t'Show everything about one job.' \
                output\t'Print what a job returned, as JSON.' \
                wait\t'Wait until jobs have ended; exit 7 when one did not complete, 8 when time was up.' \
                why\t'Say why a job is not running, and what to do.' \
                set-state\t'Give jobs any state; nothing is checked. For repairs.' \
                rerun\t'Take jobs back to the beginning; what runs of them is ended first.' \
                retry\t'Let the runner try the step again in which a REMOTE_ERROR happened.' \
                pause\t'Hold jobs back that have not begun.' \
                resume\t'Let paused and stopped jobs go on.' \
                stop\t'End jobs that are READY or under way, in their queue too.' \
                delete\t'Delete jobs, at most 10 unless --max says more. Their flows stay whole.' \
                queue-out\t'Print what the queue wrote for a job: queue.out and queue.err.' \
                todir\t'Start a shell in a job\'s run directory; leave it with `exit`.' \
                report\t'Show how the jobs stand, and what ended lately.' \
                set\t'Set worker, execution settings and priority of jobs.' \
                files\t'List, fetch and delete the files of a job.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' job list'
            set __jf_options \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max-results\t'At most so many; 0 for all.' \
                -m\t'At most so many; 0 for all.' \
                --sort\t'created_on, updated_on or db_id.' \
                --reverse-sort\t'Oldest first instead of newest first.' \
                -revs\t'Oldest first instead of newest first.' \
                --locked\t'Only locked ones.' \
                -l\t'Only locked ones.' \
                --latest-flow\t'Jobs of the N newest flows.' \
                -lf\t'Jobs of the N newest flows.' \
                --error\t'Jobs that ended in an error.' \
                -e\t'Jobs that ended in an error.' \
                --running\t'Jobs under way.' \
                -run\t'Jobs under way.' \
                --count\t'Print only how many there are.' \
                --stored-data-key\t'Show this stored data.' \
                -sdk\t'Show this stored data.' \
                --color\t'Colour the names, one colour per flow.' \
                -col\t'Colour the names, one colour per flow.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --output\t'Columns or keys, with commas.' \
                -o\t'Columns or keys, with commas.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers'
            set __jf_takes '--max-results' '-m' '--latest-flow' '-lf' '--stored-data-key' '-sdk' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--columns' '--output' '-o'
            set __jf_choices '--sort |created_on updated_on db_id' '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job info'
            set __jf_options \
                --pid\t'Id in the worker\'s queue.' \
                --show-none\t'Show what has no value, too.' \
                -n\t'Show what has no value, too.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_takes '--pid'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job output'
            set __jf_options \
                --path\t'Write to this .json or .yaml file.' \
                -p\t'Write to this .json or .yaml file.' \
                --load\t'With what lies in additional stores.' \
                -l\t'With what lies in additional stores.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_takes '--path' '-p'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job wait'
            set __jf_options \
                --for\t'Wait for this state, or one after it, instead of the end.' \
                --timeout\t'Wait at most so long; then exit 8.' \
                --any\t'One of them is enough.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<n>=jobs'
            set __jf_takes '--timeout' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--for |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job why'
            set __jf_options \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job dump'
            set __jf_options \
                --path\t'Where to.' \
                -p\t'Where to.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers'
            set __jf_takes '--path' '-p' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job set-state'
            set __jf_options \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max\t'Change nothing if more are selected; 0: any.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<2>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count' '<1> |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
        case ' job rerun'
            set __jf_options \
                --force\t'Also jobs that are done, and whatever depends on them.' \
                -f\t'Also jobs that are done, and whatever depends on them.' \
                --no-delete\t'Keep the files of the last run.' \
                -nd\t'Keep the files of the last run.' \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first job that is refused.' \
                -re\t'Stop at the first job that is refused.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max\t'Change nothing if more are selected; 0: any.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job retry'
            set __jf_options \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first job that is refused.' \
                -re\t'Stop at the first job that is refused.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max\t'Change nothing if more are selected; 0: any.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job pause'
            set __jf_options \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --raise-on-error\t'Stop at the first job that is refused.' \
                -re\t'Stop at the first job that is refused.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max\t'Change nothing if more are selected; 0: any.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job resume'
            set __jf_options \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first job that is refused.' \
                -re\t'Stop at the first job that is refused.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max\t'Change nothing if more are selected; 0: any.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job play'
            set __jf_options \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first job that is refused.' \
                -re\t'Stop at the first job that is refused.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max\t'Change nothing if more are selected; 0: any.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job stop'
            set __jf_options \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first job that is refused.' \
                -re\t'Stop at the first job that is refused.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max\t'Change nothing if more are selected; 0: any.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job delete'
            set __jf_options \
                --output\t'Delete outputs too.' \
                -o\t'Delete outputs too.' \
                --files\t'Delete run folders too.' \
                -fi\t'Delete run folders too.' \
                --all\t'Delete outputs and run folders too.' \
                -a\t'Delete outputs and run folders too.' \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first job that is refused.' \
                -re\t'Stop at the first job that is refused.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max\t'Change nothing if more are selected; 0: any.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job queue-out'
            set __jf_options \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job todir'
            set __jf_options \
                --shell\t'The shell to start.' \
                -s\t'The shell to start.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_takes '--shell' '-s'
        case ' job report'
            set __jf_options \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count' '<1> |hours days weeks months years'
        case ' job set'
            set __jf_commands \
                worker\t'Let jobs run on another worker. Jobs under way are refused.' \
                exec-config\t'Let jobs run with another exec_config.' \
                resources\t'Set resources of jobs; a number is a number: nodes=2 means 2.' \
                priority\t'Set the priority of jobs, in any state.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' job set worker'
            set __jf_options \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first job that is refused.' \
                -re\t'Stop at the first job that is refused.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max\t'Change nothing if more are selected; 0: any.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=workers'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job set exec-config'
            set __jf_options \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first job that is refused.' \
                -re\t'Stop at the first job that is refused.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max\t'Change nothing if more are selected; 0: any.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=exec_configs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job set resources'
            set __jf_options \
                --replace\t'Instead of adding to what a job has.' \
                -r\t'Instead of adding to what a job has.' \
                --qresources\t'The keys are those of a QResources.' \
                -qr\t'The keys are those of a QResources.' \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first job that is refused.' \
                -re\t'Stop at the first job that is refused.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max\t'Change nothing if more are selected; 0: any.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job set priority'
            set __jf_options \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first job that is refused.' \
                -re\t'Stop at the first job that is refused.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max\t'Change nothing if more are selected; 0: any.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job files'
            set __jf_commands \
                ls\t'List the files in a job\'s run directory.' \
                get\t'Fetch files from a job\'s run directory.' \
                delete\t'Delete the run directory of a job that has ended.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' job files ls'
            set __jf_options \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job files get'
            set __jf_options \
                --index\t'Index of the job.' \
                -i\t'Index of the job.' \
                --path\t'Where to.' \
                -p\t'Where to.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_takes '--index' '-i' '--path' '-p'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job files delete'
            set __jf_options \
                --index\t'Index of the job.' \
                -i\t'Index of the job.' \
                --all-states\t'Also of jobs that may still need them.' \
                -as\t'Also of jobs that may still need them.' \
                --force\t'Even while a runner is alive.' \
                -f\t'Even while a runner is alive.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_takes '--index' '-i'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' flow'
            set __jf_commands \
                list\t'List flows, the one that changed last first.' \
                info\t'Show a flow: its structure and its jobs.' \
                wait\t'Wait until flows have ended; exit 7 when one did not complete, 8 when time was up.' \
                delete\t'Delete flows with all their jobs.' \
                clean\t'Delete the run folders of the jobs of flows: of those that have ended.' \
                resume\t'Let all paused and stopped jobs of a flow go on.' \
                graph\t'Show a flow as a tree, or write it as mermaid, dot or SVG.' \
                report\t'Show how the flows stand, and what ended lately.' \
                set\t'Set properties of flows.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' flow list'
            set __jf_options \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max-results\t'At most so many; 0 for all.' \
                -m\t'At most so many; 0 for all.' \
                --sort\t'created_on, updated_on or db_id.' \
                --reverse-sort\t'Oldest first instead of newest first.' \
                -revs\t'Oldest first instead of newest first.' \
                --locked\t'Only locked ones.' \
                -l\t'Only locked ones.' \
                --count\t'Print only how many there are.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids' '-jid=job_uuids' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows'
            set __jf_takes '--max-results' '-m' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--columns'
            set __jf_choices '--sort |created_on updated_on db_id' '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--format |table wide json ndjson yaml csv name count'
        case ' flow info'
            set __jf_options \
                --job\t'The uuid is that of a job.' \
                -j\t'The uuid is that of a job.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --stored-data-key\t'Show this stored data.' \
                -sdk\t'Show this stored data.' \
                --jobs-sort\t'Order of the jobs, as of lists.' \
                --sort\t'Order of the jobs, as of lists.' \
                --reverse-jobs-sort\t'The other way round.' \
                --reverse-sort\t'The other way round.' \
                -jrevs\t'The other way round.' \
                -revs\t'The other way round.' \
                --report\t'Show times, states and progress instead of the jobs.' \
                -rep\t'Show times, states and progress instead of the jobs.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --output\t'Columns or keys, with commas.' \
                -o\t'Columns or keys, with commas.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=flows'
            set __jf_takes '--stored-data-key' '-sdk' '--columns' '--output' '-o'
            set __jf_choices '--jobs-sort --sort |created_on updated_on db_id' '--format |table wide json ndjson yaml csv name count'
        case ' flow wait'
            set __jf_options \
                --for\t'Wait for this state, or one after it, instead of the end.' \
                --timeout\t'Wait at most so long; then exit 8.' \
                --any\t'One of them is enough.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids' '-jid=job_uuids' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '<n>=flows'
            set __jf_takes '--timeout' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--for |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--format |table wide json ndjson yaml csv name count'
        case ' flow delete'
            set __jf_options \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --max\t'Delete nothing if there are more; 0: any.' \
                -m\t'Delete nothing if there are more; 0: any.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --output\t'Delete outputs too.' \
                -o\t'Delete outputs too.' \
                --files\t'Delete run folders too.' \
                -fi\t'Delete run folders too.' \
                --all\t'Delete outputs and run folders too.' \
                -a\t'Delete outputs and run folders too.' \
                --keep-processes\t'Let run what runs of them.' \
                -kp\t'Let run what runs of them.' \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids' '-jid=job_uuids' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows'
            set __jf_takes '--max' '-m' '--wait' '-w' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--format |table wide json ndjson yaml csv name count'
        case ' flow clean'
            set __jf_options \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --locked\t'Only locked ones.' \
                -l\t'Only locked ones.' \
                --force\t'Even while a runner is alive.' \
                -f\t'Even while a runner is alive.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --all-states\t'Also of jobs that may still need them.' \
                -as\t'Also of jobs that may still need them.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --query\t'Query in MongoDB\'s language.' \
                -q\t'Query in MongoDB\'s language.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids' '-jid=job_uuids' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows'
            set __jf_takes '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--format |table wide json ndjson yaml csv name count'
        case ' flow resume'
            set __jf_options \
                --job\t'The uuid is that of a job.' \
                -j\t'The uuid is that of a job.' \
                --wait\t'Wait so long for locks.' \
                -w\t'Wait so long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=flows'
            set __jf_takes '--wait' '-w'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' flow graph'
            set __jf_options \
                --job\t'The uuid is that of a job.' \
                -j\t'The uuid is that of a job.' \
                --label\t'What stands on a job: name, db_id, uuid, index, state, worker.' \
                -l\t'What stands on a job: name, db_id, uuid, index, state, worker.' \
                --path\t'Write to a file: .svg, .dot, .mmd or other.' \
                -p\t'Write to a file: .svg, .dot, .mmd or other.' \
                --as\t'One of tree, mermaid, dot, svg.' \
                --mermaid\t'Same as --as mermaid.' \
                -m\t'Same as --as mermaid.' \
                --dash\t'Not in this version.' \
                -d\t'Not in this version.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=flows'
            set __jf_takes '--path' '-p'
            set __jf_choices '--label -l |name db_id uuid index state worker' '--as |tree mermaid dot svg' '--format |table wide json ndjson yaml csv name count'
        case ' flow report'
            set __jf_options \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count' '<1> |hours days weeks months years'
        case ' flow set'
            set __jf_commands \
                store\t'Choose the JobStore of a flow that has not begun.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' flow set store'
            set __jf_options \
                --job\t'The uuid is that of a job.' \
                -j\t'The uuid is that of a job.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=flows'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' runner'
            set __jf_commands \
                start\t'Start the runner in the background.' \
                stop\t'Stop the runner in the background.' \
                shutdown\t'Same as stop.' \
                kill\t'Kill the runner\'s processes.' \
                restart\t'Stop the runner and start it again.' \
                reload\t'Let the runner read the project again.' \
                foreground\t'Attach to the runner\'s processes.' \
                run\t'Run jobs in the foreground, until Ctrl-C or until nothing is left to do.' \
                status\t'Say whether a runner serves the project; exit 9 when none is alive, for cron.' \
                info\t'Show the runner that is registered, alive or not.' \
                reset\t'Say that no runner is registered; one that is alive after all registers again.' \
                update-status\t'Ask the queues once what became of the jobs in them, where no runner does.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' runner start'
            set __jf_options \
                --transfer\t'Processes that upload and download.' \
                -t\t'Processes that upload and download.' \
                --complete\t'Processes that complete jobs.' \
                -com\t'Processes that complete jobs.' \
                --single\t'One process for everything.' \
                -s\t'One process for everything.' \
                --log-level\t'One of error, warn, info, debug; the project\'s if left out.' \
                -log\t'One of error, warn, info, debug; the project\'s if left out.' \
                --connect-interactive\t'Ask for logins.' \
                -i\t'Ask for logins.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--transfer' '-t' '--complete' '-com'
            set __jf_choices '--log-level -log |error warn info debug'
        case ' runner stop'
            set __jf_options \
                --wait\t'Wait until it has stopped.' \
                -w\t'Wait until it has stopped.' \
                --all\t'Those of all projects.' \
                -a\t'Those of all projects.' \
                --json\t'Write the names of the projects (-a).' \
                -j\t'Write the names of the projects (-a).' \
                --max-wait\t'Seconds to wait; 0 for no limit (-a -w).' \
                -m\t'Seconds to wait; 0 for no limit (-a -w).' \
                --help\t'Show this message and exit.'
            set __jf_takes '--json' '-j' '--max-wait' '-m'
        case ' runner shutdown'
            set __jf_options \
                --wait\t'Wait until it has stopped.' \
                -w\t'Wait until it has stopped.' \
                --all\t'Those of all projects.' \
                -a\t'Those of all projects.' \
                --json\t'Write the names of the projects (-a).' \
                -j\t'Write the names of the projects (-a).' \
                --max-wait\t'Seconds to wait; 0 for no limit (-a -w).' \
                -m\t'Seconds to wait; 0 for no limit (-a -w).' \
                --help\t'Show this message and exit.'
            set __jf_takes '--json' '-j' '--max-wait' '-m'
        case ' runner kill'
            set __jf_options \
                --wait\t'Wait until it has stopped.' \
                -w\t'Wait until it has stopped.' \
                --all\t'Those of all projects.' \
                -a\t'Those of all projects.' \
                --json\t'Write the names of the projects (-a).' \
                -j\t'Write the names of the projects (-a).' \
                --max-wait\t'Seconds to wait; 0 for no limit (-a -w).' \
                -m\t'Seconds to wait; 0 for no limit (-a -w).' \
                --help\t'Show this message and exit.'
            set __jf_takes '--json' '-j' '--max-wait' '-m'
        case ' runner stop-processes'
            set __jf_options \
                --wait\t'Wait until it has stopped.' \
                -w\t'Wait until it has stopped.' \
                --all\t'Those of all projects.' \
                -a\t'Those of all projects.' \
                --json\t'Write the names of the projects (-a).' \
                -j\t'Write the names of the projects (-a).' \
                --max-wait\t'Seconds to wait; 0 for no limit (-a -w).' \
                -m\t'Seconds to wait; 0 for no limit (-a -w).' \
                --help\t'Show this message and exit.'
            set __jf_takes '--json' '-j' '--max-wait' '-m'
        case ' runner restart'
            set __jf_options \
                --help\t'Show this message and exit.'
        case ' runner reload'
            set __jf_options \
                --help\t'Show this message and exit.'
        case ' runner foreground'
            set __jf_options \
                --help\t'Show this message and exit.'
        case ' runner run'
            set __jf_options \
                --log-level\t'One of error, warn, info, debug; the project\'s if left out.' \
                -log\t'One of error, warn, info, debug; the project\'s if left out.' \
                --set-pid\t'Use the process id as the runner\'s id.' \
                -pid\t'Use the process id as the runner\'s id.' \
                --transfer\t'Upload and download.' \
                -t\t'Upload and download.' \
                --complete\t'Complete jobs.' \
                -com\t'Complete jobs.' \
                --queue\t'Submit, and ask the queues.' \
                -q\t'Submit, and ask the queues.' \
                --checkout\t'Claim jobs.' \
                -cho\t'Claim jobs.' \
                --connect-interactive\t'Ask for logins.' \
                -i\t'Ask for logins.' \
                --daemonized\t'Started by a daemon.' \
                -d\t'Started by a daemon.' \
                --until-idle\t'End when nothing is left to do (for the parts chosen).' \
                --max-time\t'Seconds after which to end; exit 8 if not idle yet.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--max-time'
            set __jf_choices '--log-level -log |error warn info debug' '--format |table wide json ndjson yaml csv name count'
        case ' runner status'
            set __jf_options \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' runner info'
            set __jf_options \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --pings\t'Show the last signs of life too.' \
                -p\t'Show the last signs of life too.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' runner reset'
            set __jf_options \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' runner update-status'
            set __jf_options \
                --log-level\t'One of error, warn, info, debug; the project\'s if left out.' \
                -log\t'One of error, warn, info, debug; the project\'s if left out.' \
                --set-pid\t'Use the process id as the runner\'s id.' \
                -pid\t'Use the process id as the runner\'s id.' \
                --connect-interactive\t'Ask for logins.' \
                -i\t'Ask for logins.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--log-level -log |error warn info debug' '--format |table wide json ndjson yaml csv name count'
        case ' project'
            set __jf_commands \
                list\t'List the projects by name.' \
                generate\t'Write an example project on MongoDB, to be edited.' \
                check\t'Check database, outputs, workers and environment; exit 9 when something cannot be used.' \
                check-conflicts\t'Look for databases, folders and batch pools that projects share; exit 9 when they do.' \
                validate\t'Say what is wrong with a project file, by line; exit 9 when it cannot be used.' \
                show\t'Show a project\'s file, or all that it means; secrets are hidden.' \
                remove\t'Delete a project: its file, and its folder with what lies in it.' \
                migrate\t'Copy the project to another database and verify the copy; can be interrupted and repeated.' \
                worker\t'The workers of a project.' \
                exec_config\t'The execution configurations of a project.' \
                edit\t'Change project files.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' project list'
            set __jf_options \
                --warn\t'Say which files cannot be used.' \
                -w\t'Say which files cannot be used.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project generate'
            set __jf_options \
                --format\t'json, yaml or toml.' \
                -f\t'json, yaml or toml.' \
                --full\t'Write every kind of entry.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format -f |yaml json toml'
        case ' project check'
            set __jf_options \
                --jobstore\t'Only the JobStores.' \
                -js\t'Only the JobStores.' \
                --queue\t'Only the queue.' \
                -q\t'Only the queue.' \
                --worker\t'Only this worker.' \
                -w\t'Only this worker.' \
                --errors\t'Show whole errors.' \
                -e\t'Show whole errors.' \
                --full\t'Compare all packages of the workers too.' \
                -f\t'Compare all packages of the workers too.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--worker=workers' '-w=workers'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project check-conflicts'
            set __jf_options \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project validate'
            set __jf_options \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project show'
            set __jf_options \
                --resolved\t'With every default written out.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=projects'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project remove'
            set __jf_options \
                --keep-folders\t'Delete the file only, without a question.' \
                -k\t'Delete the file only, without a question.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=projects'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project migrate'
            set __jf_options \
                --to\t'mongodb://HOST/DATABASE, or a folder for an embedded one.' \
                --switch\t'Then use it: change the project file, keep a copy.' \
                --queue-only\t'Leave all outputs where they are.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--to' '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project worker'
            set __jf_commands \
                list\t'List the workers of the project; the first one is the default.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' project worker list'
            set __jf_options \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project exec_config'
            set __jf_commands \
                list\t'List the execution configurations of the project.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' project exec_config list'
            set __jf_options \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project edit'
            set __jf_commands \
                replace\t'Replace a text in project files: shows what changes, checks it, and asks per file.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' project edit replace'
            set __jf_options \
                --all\t'In all project files, runners or not.' \
                -a\t'In all project files, runners or not.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --no-backup\t'Keep no copy of the file.' \
                -nb\t'Keep no copy of the file.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' worker'
            set __jf_commands \
                login\t'Log in to the machine of a worker; ssh asks for what it needs, a one-time code for example.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' worker login'
            set __jf_options \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=workers'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin'
            set __jf_commands \
                upgrade\t'Upgrade a database of jobflow-remote 0.1.x or 1.0.x; without -ndr it is only shown.' \
                doctor\t'Find what is not as it should be; with --fix, mend it. Exit 9 when problems are left.' \
                reset\t'Set up the queue database, deleting all jobs and flows that are in it.' \
                unlock\t'Remove the locks of jobs whose holder is gone; a holder that is alive loses its work.' \
                unlock-flow\t'Remove the locks of flows whose holder is gone.' \
                unlock-runner\t'Remove the lock of the record that says which runner serves the project.' \
                index\t'The indexes of the queue database.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' admin upgrade'
            set __jf_options \
                --no-dry-run\t'Do it; otherwise it is only shown.' \
                -ndr\t'Do it; otherwise it is only shown.' \
                --check-env\t'Compare all packages, not jobflow alone.' \
                -ce\t'Compare all packages, not jobflow alone.' \
                --target\t'Go no further.' \
                -t\t'Go no further.' \
                --force\t'Pass by the conditions that allow it.' \
                -f\t'Pass by the conditions that allow it.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--target' '-t'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin doctor'
            set __jf_options \
                --fix\t'Mend what can be mended.' \
                --watch-locks\t'Watch for 20 s which locks are renewed.' \
                --outputs\t'Look for the outputs of completed jobs too.' \
                --foreign-locks\t'Free locks of jobflow-remote, which must not be running.' \
                --half-inserted\t'Remove what interrupted submissions left.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin reset'
            set __jf_options \
                --output\t'Delete all outputs too.' \
                -o\t'Delete all outputs too.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin unlock'
            set __jf_options \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers'
            set __jf_takes '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' admin unlock-flow'
            set __jf_options \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, in any case; several with commas.' \
                -s\t'State, in any case; several with commas.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [0-9] are wild.' \
                -n\t'Whole name; *, ? and [0-9] are wild.' \
                --days\t'Changed within so many days.' \
                -ds\t'Changed within so many days.' \
                --hours\t'Changed within so many hours.' \
                -hs\t'Changed within so many hours.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids' '-jid=job_uuids' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows'
            set __jf_takes '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--days' '-ds' '--hours' '-hs'
            set __jf_choices '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--format |table wide json ndjson yaml csv name count'
        case ' admin unlock-runner'
            set __jf_options \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin index'
            set __jf_commands \
                rebuild\t'Drop all indexes and build ours anew; those that you added are lost.' \
                create\t'Create an index of your own, unless it is there.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' admin index rebuild'
            set __jf_options \
                --foreground\t'Let a server do nothing else meanwhile.' \
                -fg\t'Let a server do nothing else meanwhile.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin index create'
            set __jf_options \
                --foreground\t'Let a server do nothing else meanwhile.' \
                -fg\t'Let a server do nothing else meanwhile.' \
                --collection\t'One of jobs, flows, aux, batches.' \
                -c\t'One of jobs, flows, aux, batches.' \
                --unique\t'Refuse two documents with one value.' \
                -u\t'Refuse two documents with one value.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--collection -c |jobs flows aux batches' '--format |table wide json ndjson yaml csv name count' '<2> |asc desc'
        case ' batch'
            set __jf_commands \
                list\t'List batch processes, the one that changed last first.' \
                info\t'Show a batch process and the jobs that it executed.' \
                delete\t'Forget batch processes, by default all that have FINISHED; no process is ended.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' batch list'
            set __jf_options \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --max-results\t'At most so many; 0 for all.' \
                -m\t'At most so many; 0 for all.' \
                --state\t'State of the batch process, in any case; several with commas.' \
                -s\t'State of the batch process, in any case; several with commas.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --db-id\t'Job by its db_id; several with commas.' \
                -did\t'Job by its db_id; several with commas.' \
                --verbosity\t'Show more; -vv still more.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--worker=workers' '-wk=workers' '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs'
            set __jf_takes '--max-results' '-m' '--columns'
            set __jf_choices '--state -s |SUBMITTED RUNNING FINISHED' '--format |table wide json ndjson yaml csv name count'
        case ' batch info'
            set __jf_options \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' batch delete'
            set __jf_options \
                --state\t'State of the batch process, in any case; several with commas.' \
                -s\t'State of the batch process, in any case; several with commas.' \
                --process-id\t'Id in the queue.' \
                -pid\t'Id in the queue.' \
                --batch-uid\t'Our id of the process.' \
                -bid\t'Our id of the process.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--worker=workers' '-wk=workers'
            set __jf_takes '--process-id' '-pid' '--batch-uid' '-bid'
            set __jf_choices '--state -s |SUBMITTED RUNNING FINISHED' '--format |table wide json ndjson yaml csv name count'
        case ' batch fix-batch-doc-jobs-dict'
            set __jf_options \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' backup'
            set __jf_commands \
                create\t'Write all jobs, flows, batch processes and ids into DIR/DATABASE; outputs are no part of it.' \
                restore\t'Fill the empty queue database from a backup, of whichever engine.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' backup create'
            set __jf_options \
                --compress\t'Write .bson.gz.' \
                -c\t'Write .bson.gz.' \
                --mongo-path\t'Folder of mongodump, mongorestore.' \
                -m\t'Folder of mongodump, mongorestore.' \
                --python\t'Do without MongoDB\'s tools in any case.' \
                -p\t'Do without MongoDB\'s tools in any case.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--mongo-path' '-m'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' backup restore'
            set __jf_options \
                --mongo-path\t'Folder of mongodump, mongorestore.' \
                -m\t'Folder of mongodump, mongorestore.' \
                --python\t'Do without MongoDB\'s tools in any case.' \
                -p\t'Do without MongoDB\'s tools in any case.' \
                --dry-run\t'Say what would be done, and do nothing.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--mongo-path' '-m'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' gui'
            set __jf_options \
                --port\t'Port that it listens at.' \
                -p\t'Port that it listens at.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
            set __jf_takes '--port' '-p'
        case ' plugin'
            set __jf_commands \
                list\t'List the plugins, and the commands that they add.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' plugin list'
            set __jf_options \
                --error\t'Say why plugins could not be loaded.' \
                -e\t'Say why plugins could not be loaded.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --watch\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                -W\t'Show again until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 behind arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' execution'
            set __jf_commands \
                run-batch\t'Run the jobs of a pool.' \
                run\t'Run the job whose input lies in a directory.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' execution run-batch'
            set __jf_options \
                --max-time\t'Seconds to start jobs in.' \
                -mt\t'Seconds to start jobs in.' \
                --max-wait\t'Seconds to wait for a job.' \
                -mw\t'Seconds to wait for a job.' \
                --max-jobs\t'Jobs to run.' \
                -mj\t'Jobs to run.' \
                --parallel-jobs\t'Jobs at once.' \
                -pj\t'Jobs at once.' \
                --sleep-time\t'Seconds between two looks.' \
                -st\t'Seconds between two looks.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--max-time' '-mt' '--max-wait' '-mw' '--max-jobs' '-mj' '--parallel-jobs' '-pj' '--sleep-time' '-st'
        case ' execution run'
            set __jf_options \
                --help\t'Show this message and exit.'
        case '*'
            return 1
    end
end

function __jf_complete
    set -l words (commandline -opc)
    set -l cur (commandline -ct)
    set -l trail ''
    set -l option ''
    set -l project ''
    set -l position 1
    __jf_facts ''
    for word in $words[2..-1]
        if test -n "$option"
            test -z "$trail"; and contains -- $option -p --project; and set project $word
            set option ''
        else if test -z "$trail"; and string match -q -- '--project=*' $word
            set project (string split -m 1 = -- $word)[2]
        else if string match -q -- '-*' $word
            if string match -q -- "* $word=*" " $__jf_asks "
                or string match -q -- "* $word *" " $__jf_takes $__jf_choices "
                set option $word
            end
        else if set -q __jf_commands[1]
            set trail "$trail $word"
            __jf_facts $trail; or return
        else
            set position (math $position + 1)
        end
    end
    set -l kept ''
    if test -z "$option"; and string match -q -- '--*=*' $cur
        set -l parts (string split -m 1 = -- $cur)
        set option $parts[1]
        set kept "$option="
        set cur $parts[2]
    else if test -z "$option"; and string match -q -- '-*' $cur
        printf '%s\n' $__jf_options
        return
    else if test -z "$option"; and set -q __jf_commands[1]
        printf '%s\n' $__jf_commands
        return
    else if test -z "$option"
        set option "<$position>"
        if not string match -q -- "* $option=*" " $__jf_asks "
            and not string match -q -- "* $option *" " $__jf_choices "
            set option '<n>'
        end
    end
    for entry in $__jf_choices
        set -l parts (string split -m 1 '|' -- $entry)
        if contains -- $option (string split ' ' -- $parts[1])
            printf "$kept%s\n" (string split ' ' -- $parts[2])
            return
        end
    end
    for entry in $__jf_asks
        set -l parts (string split -m 1 = -- $entry)
        if test $parts[1] = $option
            for found in (env _JF_OFFER=$parts[2] _JF_PROJECT=$project _JF_WORD=$cur \
                    $words[1] 2>/dev/null)
                echo -- $kept$found
            end
            return
        end
    end
    __fish_complete_path $cur
end

complete -c jf -f -k -a '(__jf_complete)'

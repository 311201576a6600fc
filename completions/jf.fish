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
                quickstart\t'Create a ready-to-run project with an embedded database and a local worker.' \
                demo\t'Submit equation-of-state calculations of some metals to the selected project.' \
                job\t'List, inspect and change jobs.' \
                flow\t'List, inspect and change flows.' \
                events\t'Show what happened to jobs and flows and who did it, oldest first.' \
                top\t'Show jobs, workers, runners, errors and throughput live.' \
                metrics\t'Print metrics in Prometheus\' text format, for a textfile collector.' \
                notify\t'List and test the notifications of a project.' \
                runner\t'Run the jobs of a project, and control its runners.' \
                project\t'Create, list, check, change and move projects.' \
                worker\t'Log in to workers and test them.' \
                admin\t'Set up, repair and maintain the database.' \
                batch\t'Manage batch processes, which run many jobs in one submission.' \
                backup\t'Back up the queue database to files and restore it.' \
                gui\t'View the project in a browser.' \
                plugin\t'List the plugins that other packages add to jf.'
            set __jf_options \
                --project\t'Name of the project.' \
                -p\t'Name of the project.' \
                --full-exc\t'Show full tracebacks.' \
                -fe\t'Show full tracebacks.' \
                --warn-project\t'Warn about unusable project files.' \
                -wp\t'Warn about unusable project files.' \
                --format\t'One of table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --color\t'auto, always, never.' \
                --no-pager\t'Never show long tables in a pager.' \
                --tree\t'Print all commands.' \
                --version\t'Print the installed versions.' \
                --install-completion\t'Install completion for this shell.' \
                --show-completion\t'Print the completion script.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
            set __jf_asks '--project=projects' '-p=projects'
            set __jf_choices '--format |table wide json ndjson yaml csv name count' '--color |auto always never'
        case ' quickstart'
            set __jf_options \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' demo'
            set __jf_options \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job'
            set __jf_commands \
                list\t'List jobs, most recently changed first.' \
                info\t'Show everything about one job.' \
                output\t'Print what a job returned, as JSON.' \
                wait\t'Wait until jobs have ended; exit 7 if one did not complete, 8 on timeout.' \
                why\t'Explain why a job is not running and what to do.' \
                history\t'Show the time line of a job: its states, how long each lasted and who changed it.' \
                set-state\t'Set the state of jobs without any checks. For repairs only.' \
                rerun\t'Run jobs again from the start; running ones are cancelled first.' \
                retry\t'Retry the step that ended in a REMOTE_ERROR.' \
                pause\t'Pause jobs that have not started.' \
                resume\t'Resume paused and stopped jobs.' \
                stop\t'Stop jobs that are READY or in progress; cancels them in the queue.' \
                delete\t'Delete jobs, at most 10 unless --max allows more. Their flows stay consistent.' \
                cd\t'Print the run directory of a job, on another machine as host:path.' \
                queue-out\t'Print what the queue wrote for a job: queue.out and queue.err.' \
                log\t'Show the end of queue.out and queue.err: everything that a job prints.' \
                todir\t'Start a shell in a job\'s run directory; leave it with `exit`.' \
                report\t'Show the jobs by state and how many ended recently.' \
                set\t'Set worker, execution settings, priority and retries of jobs.' \
                files\t'List, fetch and delete the files of a job.' \
                filter\t'Filters of jobs, saved under a name: jf job list @NAME.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' job list'
            set __jf_options \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max-results\t'Maximum number (0: no limit).' \
                -m\t'Maximum number (0: no limit).' \
                --sort\t'created_on, updated_on or db_id.' \
                --reverse-sort\t'Oldest first instead of newest first.' \
                -revs\t'Oldest first instead of newest first.' \
                --locked\t'Only those that are locked.' \
                -l\t'Only those that are locked.' \
                --latest-flow\t'Jobs of the N newest flows.' \
                -lf\t'Jobs of the N newest flows.' \
                --error\t'Only jobs that ended in an error.' \
                -e\t'Only jobs that ended in an error.' \
                --running\t'Only jobs in progress.' \
                -run\t'Only jobs in progress.' \
                --count\t'Print only the number of results.' \
                --stored-data-key\t'Show this stored data.' \
                -sdk\t'Show this stored data.' \
                --color\t'Colour the names by flow.' \
                -col\t'Colour the names by flow.' \
                --archived\t'Show archived ones instead.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --output\t'Columns or keys, separated by commas.' \
                -o\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<n>=job_filters'
            set __jf_takes '--max-results' '-m' '--latest-flow' '-lf' '--stored-data-key' '-sdk' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match' '--columns' '--output' '-o'
            set __jf_choices '--sort |created_on updated_on db_id' '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job info'
            set __jf_options \
                --pid\t'Id in the worker\'s queue.' \
                --show-none\t'Also show fields without a value.' \
                -n\t'Also show fields without a value.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_takes '--pid'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job output'
            set __jf_options \
                --path\t'Write to this .json or .yaml file.' \
                -p\t'Write to this .json or .yaml file.' \
                --load\t'Include data in additional stores.' \
                -l\t'Include data in additional stores.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_takes '--path' '-p'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job wait'
            set __jf_options \
                --for\t'Wait for this state or a later one instead of the end.' \
                --timeout\t'Wait at most this long, then exit 8.' \
                --any\t'Stop when one of them has ended.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<n>=jobs'
            set __jf_takes '--timeout' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--for |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job why'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job history'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job dump'
            set __jf_options \
                --path\t'File to write.' \
                -p\t'File to write.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers'
            set __jf_takes '--path' '-p' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job set-state'
            set __jf_options \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<2>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count' '<1> |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING'
        case ' job rerun'
            set __jf_options \
                --force\t'Also completed jobs and all that depend on them.' \
                -f\t'Also completed jobs and all that depend on them.' \
                --no-delete\t'Keep the files of the last run.' \
                -nd\t'Keep the files of the last run.' \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first refused job.' \
                -re\t'Stop at the first refused job.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job retry'
            set __jf_options \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first refused job.' \
                -re\t'Stop at the first refused job.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job pause'
            set __jf_options \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --raise-on-error\t'Stop at the first refused job.' \
                -re\t'Stop at the first refused job.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job resume'
            set __jf_options \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first refused job.' \
                -re\t'Stop at the first refused job.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job play'
            set __jf_options \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first refused job.' \
                -re\t'Stop at the first refused job.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job stop'
            set __jf_options \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first refused job.' \
                -re\t'Stop at the first refused job.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job delete'
            set __jf_options \
                --output\t'Delete outputs too.' \
                -o\t'Delete outputs too.' \
                --files\t'Delete run folders too.' \
                -fi\t'Delete run folders too.' \
                --all\t'Delete outputs and run folders too.' \
                -a\t'Delete outputs and run folders too.' \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first refused job.' \
                -re\t'Stop at the first refused job.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=jobs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job cd'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job queue-out'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job log'
            set __jf_options \
                --follow\t'Keep showing new output until the job ends.' \
                -f\t'Keep showing new output until the job ends.' \
                --lines\t'Lines of each log to show first.' \
                -n\t'Lines of each log to show first.' \
                --file\t'Show this file of the job instead; repeatable.' \
                --timeout\t'Wait at most this long, then exit 8.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_takes '--lines' '-n' '--file' '--timeout'
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
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count' '<1> |hours days weeks months years'
        case ' job set'
            set __jf_commands \
                worker\t'Move jobs to another worker. Jobs in progress are refused.' \
                exec-config\t'Set the exec_config of jobs.' \
                resources\t'Set resources of jobs; nodes=2 is the number 2.' \
                retry\t'Set the retry rules of jobs in any state; see docs/retries.md.' \
                priority\t'Set the priority of jobs in any state.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' job set worker'
            set __jf_options \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first refused job.' \
                -re\t'Stop at the first refused job.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=workers'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job set exec-config'
            set __jf_options \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first refused job.' \
                -re\t'Stop at the first refused job.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers' '<1>=exec_configs'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job set resources'
            set __jf_options \
                --replace\t'Replace a job\'s resources instead of adding to them.' \
                -r\t'Replace a job\'s resources instead of adding to them.' \
                --qresources\t'The keys are those of QResources.' \
                -qr\t'The keys are those of QResources.' \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first refused job.' \
                -re\t'Stop at the first refused job.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job set retry'
            set __jf_options \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first refused job.' \
                -re\t'Stop at the first refused job.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job set priority'
            set __jf_options \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --raise-on-error\t'Stop at the first refused job.' \
                -re\t'Stop at the first refused job.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers'
            set __jf_takes '--wait' '-w' '--max' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
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
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job files get'
            set __jf_options \
                --index\t'Index of the job.' \
                -i\t'Index of the job.' \
                --path\t'Folder to write to.' \
                -p\t'Folder to write to.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_takes '--index' '-i' '--path' '-p'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job files delete'
            set __jf_options \
                --index\t'Index of the job.' \
                -i\t'Index of the job.' \
                --all-states\t'Also for jobs that may still need them.' \
                -as\t'Also for jobs that may still need them.' \
                --force\t'Even while a runner is active.' \
                -f\t'Even while a runner is active.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=jobs'
            set __jf_takes '--index' '-i'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job filter'
            set __jf_commands \
                list\t'List the saved filters of jobs.' \
                save\t'Save a filter of jobs in the project, for `jf job list @NAME`, actions and the web page.' \
                delete\t'Delete saved filters of jobs.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' job filter list'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' job filter save'
            set __jf_options \
                --replace\t'Replace a filter of this name.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --cause\t'Cause of the failure, such as walltime.' \
                --error-match\t'Regular expression found in the error.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers'
            set __jf_takes '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--cause' '--error-match'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' job filter delete'
            set __jf_options \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<n>=job_filters'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' flow'
            set __jf_commands \
                list\t'List flows, most recently changed first.' \
                info\t'Show a flow: its structure and its jobs.' \
                wait\t'Wait until flows have ended; exit 7 if one did not complete, 8 on timeout.' \
                submit\t'Submit a flow; in a pipe, print the ids as JSON.' \
                delete\t'Delete flows with all their jobs.' \
                clean\t'Delete the run folders of the ended jobs of flows.' \
                resume\t'Resume all paused and stopped jobs of a flow.' \
                archive\t'Move finished flows out of the queue; they stay readable, and can be brought back.' \
                unarchive\t'Bring archived flows back into the queue, as they were.' \
                graph\t'Show a flow as a tree, or write it as mermaid, dot or SVG.' \
                report\t'Show the flows by state and how many ended recently.' \
                set\t'Set properties of flows.' \
                filter\t'Filters of flows, saved under a name: jf flow list @NAME.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' flow list'
            set __jf_options \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --max-results\t'Maximum number (0: no limit).' \
                -m\t'Maximum number (0: no limit).' \
                --sort\t'created_on, updated_on or db_id.' \
                --reverse-sort\t'Oldest first instead of newest first.' \
                -revs\t'Oldest first instead of newest first.' \
                --locked\t'Only those that are locked.' \
                -l\t'Only those that are locked.' \
                --count\t'Print only the number of results.' \
                --archived\t'Show archived ones instead.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids' '-jid=job_uuids' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '<n>=flow_filters'
            set __jf_takes '--max-results' '-m' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q' '--columns'
            set __jf_choices '--sort |created_on updated_on db_id' '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--format |table wide json ndjson yaml csv name count'
        case ' flow info'
            set __jf_options \
                --job\t'The uuid is that of a job.' \
                -j\t'The uuid is that of a job.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --stored-data-key\t'Show this stored data.' \
                -sdk\t'Show this stored data.' \
                --jobs-sort\t'Sort the jobs by this field.' \
                --sort\t'Sort the jobs by this field.' \
                --reverse-jobs-sort\t'Reverse the order.' \
                --reverse-sort\t'Reverse the order.' \
                -jrevs\t'Reverse the order.' \
                -revs\t'Reverse the order.' \
                --report\t'Show times, states and progress instead of the jobs.' \
                -rep\t'Show times, states and progress instead of the jobs.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --output\t'Columns or keys, separated by commas.' \
                -o\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=flows'
            set __jf_takes '--stored-data-key' '-sdk' '--columns' '--output' '-o'
            set __jf_choices '--jobs-sort --sort |created_on updated_on db_id' '--format |table wide json ndjson yaml csv name count'
        case ' flow wait'
            set __jf_options \
                --for\t'Wait for this state or a later one instead of the end.' \
                --timeout\t'Wait at most this long, then exit 8.' \
                --any\t'Stop when one of them has ended.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids' '-jid=job_uuids' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '<n>=flows'
            set __jf_takes '--timeout' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--for |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--format |table wide json ndjson yaml csv name count'
        case ' flow submit'
            set __jf_options \
                --worker\t'Worker of jobs that name none; default: the project\'s first.' \
                -wk\t'Worker of jobs that name none; default: the project\'s first.' \
                --resources\t'JSON, or "key=value,key2=value2".' \
                --exec-config\t'An exec_config of the project, or JSON.' \
                --priority\t'The highest priority runs first.' \
                --metadata\t'Metadata to add to the flow and its jobs.' \
                -meta\t'Metadata to add to the flow and its jobs.' \
                --jobstore\t'One of optional_jobstores.' \
                --allow-external-references\t'Allow references to jobs outside the flow.' \
                --wait\t'Wait for its end; exit 7 if it does not complete.' \
                --timeout\t'Wait at most this long, then exit 8.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--worker=workers' '-wk=workers' '--exec-config=exec_configs'
            set __jf_takes '--resources' '--priority' '--metadata' '-meta' '--jobstore' '--timeout'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' flow delete'
            set __jf_options \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --max\t'Refuse if more are selected (0: no limit).' \
                -m\t'Refuse if more are selected (0: no limit).' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --output\t'Delete outputs too.' \
                -o\t'Delete outputs too.' \
                --files\t'Delete run folders too.' \
                -fi\t'Delete run folders too.' \
                --all\t'Delete outputs and run folders too.' \
                -a\t'Delete outputs and run folders too.' \
                --keep-processes\t'Let running jobs go on.' \
                -kp\t'Let running jobs go on.' \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids' '-jid=job_uuids' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows'
            set __jf_takes '--max' '-m' '--wait' '-w' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--format |table wide json ndjson yaml csv name count'
        case ' flow clean'
            set __jf_options \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --locked\t'Only those that are locked.' \
                -l\t'Only those that are locked.' \
                --force\t'Even while a runner is active.' \
                -f\t'Even while a runner is active.' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --all-states\t'Also for jobs that may still need them.' \
                -as\t'Also for jobs that may still need them.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids' '-jid=job_uuids' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows'
            set __jf_takes '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--format |table wide json ndjson yaml csv name count'
        case ' flow resume'
            set __jf_options \
                --job\t'The uuid is that of a job.' \
                -j\t'The uuid is that of a job.' \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=flows'
            set __jf_takes '--wait' '-w'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' flow archive'
            set __jf_options \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --wait\t'Wait this long for locks.' \
                -w\t'Wait this long for locks.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids' '-jid=job_uuids' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows'
            set __jf_takes '--wait' '-w' '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--format |table wide json ndjson yaml csv name count'
        case ' flow unarchive'
            set __jf_options \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids' '-jid=job_uuids' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows'
            set __jf_takes '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--format |table wide json ndjson yaml csv name count'
        case ' flow graph'
            set __jf_options \
                --job\t'The uuid is that of a job.' \
                -j\t'The uuid is that of a job.' \
                --label\t'Label of each job: name, db_id, uuid, index, state, worker.' \
                -l\t'Label of each job: name, db_id, uuid, index, state, worker.' \
                --path\t'Write to a file: .svg, .dot, .mmd or other.' \
                -p\t'Write to a file: .svg, .dot, .mmd or other.' \
                --as\t'One of tree, mermaid, dot, svg.' \
                --mermaid\t'Same as --as mermaid.' \
                -m\t'Same as --as mermaid.' \
                --dash\t'Not available in this version.' \
                -d\t'Not available in this version.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=flows'
            set __jf_takes '--path' '-p'
            set __jf_choices '--label -l |name db_id uuid index state worker' '--as |tree mermaid dot svg' '--format |table wide json ndjson yaml csv name count'
        case ' flow report'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count' '<1> |hours days weeks months years'
        case ' flow set'
            set __jf_commands \
                store\t'Set the JobStore of a flow that has not started.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' flow set store'
            set __jf_options \
                --job\t'The uuid is that of a job.' \
                -j\t'The uuid is that of a job.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=flows'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' flow filter'
            set __jf_commands \
                list\t'List the saved filters of flows.' \
                save\t'Save a filter of flows in the project, for `jf flow list @NAME` and the web page.' \
                delete\t'Delete saved filters of flows.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' flow filter list'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' flow filter save'
            set __jf_options \
                --replace\t'Replace a filter of this name.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --query\t'Query in MongoDB syntax.' \
                -q\t'Query in MongoDB syntax.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids' '-jid=job_uuids' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows'
            set __jf_takes '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs' '--query' '-q'
            set __jf_choices '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--format |table wide json ndjson yaml csv name count'
        case ' flow filter delete'
            set __jf_options \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<n>=flow_filters'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' events'
            set __jf_options \
                --follow\t'Keep printing new events until Ctrl-C.' \
                -f\t'Keep printing new events until Ctrl-C.' \
                --job\t'Only of this job: db_id or uuid.' \
                -j\t'Only of this job: db_id or uuid.' \
                --flow\t'Only of this flow: uuid, or any job\'s db_id.' \
                --kind\t'Only this kind; \'states\' means all changes of a job\'s state.' \
                -k\t'Only this kind; \'states\' means all changes of a job\'s state.' \
                --state\t'Only changes to this state.' \
                -s\t'Only changes to this state.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --runner\t'Only by the runner with this id.' \
                --actor\t'Only by this user.' \
                --since\t'Happened at or after (local time).' \
                --until\t'Happened before (local time).' \
                --max-results\t'Only the last N (0: all).' \
                -m\t'Only the last N (0: all).' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
            set __jf_asks '--job=jobs' '-j=jobs' '--flow=flows' '--worker=workers' '-wk=workers'
            set __jf_takes '--runner' '--actor' '--since' '--until' '--max-results' '-m' '--columns'
            set __jf_choices '--kind -k |states state claim attempt_started attempt_ended step_failed takeover added deleted flow action admin runner' '--state -s |BATCH_RUNNING BATCH_SUBMITTED CHECKED_OUT COMPLETED DOWNLOADED FAILED PAUSED READY REMOTE_ERROR RUNNING RUN_FINISHED STOPPED SUBMITTED UPLOADED USER_STOPPED WAITING' '--format |table wide json ndjson yaml csv name count'
        case ' top'
            set __jf_options \
                --interval\t'Seconds between two refreshes.' \
                -d\t'Seconds between two refreshes.' \
                --once\t'Print it once and exit, as without a terminal.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
            set __jf_takes '--interval' '-d'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' metrics'
            set __jf_options \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' notify'
            set __jf_commands \
                list\t'List the notifications of the project.' \
                test\t'Deliver a test message now, by one notification or by all.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' notify list'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' notify test'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' runner'
            set __jf_commands \
                start\t'Start a runner in the background; wait until it is registered, or say why it is not.' \
                stop\t'Stop the runners of the project, on any machine, after their current step.' \
                shutdown\t'Same as stop.' \
                kill\t'End the runners at once; the next one recovers their unfinished steps.' \
                restart\t'Stop the runner of this machine and start it again, with the options that it had.' \
                reload\t'Make the runners read the project file again; running jobs are not affected.' \
                pause\t'Claim no more jobs; jobs in progress continue. Applies to new runners too.' \
                resume\t'Claim jobs again after `jf runner pause`.' \
                foreground\t'Follow the logs of the runners; Ctrl-C does not stop them.' \
                log\t'Show the logs of all runners of the project on this machine\'s disks, merged.' \
                unit\t'Print a systemd user unit, or crontab lines, that keep the project\'s runner running.' \
                run\t'Run jobs in the foreground, until Ctrl-C or until nothing is left to do.' \
                status\t'Show whether a runner serves the project, and list all; exit 9 if none is alive (for cron).' \
                list\t'List the runners of the project: on every machine, in the background or not.' \
                info\t'Show the registered runner, alive or not.' \
                reset\t'Delete the record of the registered runner; if it is still alive, it registers again.' \
                update-status\t'Poll the queues once and update job states; only while no runner is active.'
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
                --log-level\t'One of error, warn, info, debug; default: the project\'s.' \
                -log\t'One of error, warn, info, debug; default: the project\'s.' \
                --connect-interactive\t'First log in to workers that require a user for it.' \
                -i\t'First log in to workers that require a user for it.' \
                --all-projects\t'Start the runners of all projects.' \
                --metrics\t'Serve metrics at this address.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--transfer' '-t' '--complete' '-com'
            set __jf_choices '--log-level -log |error warn info debug' '--format |table wide json ndjson yaml csv name count'
        case ' runner stop'
            set __jf_options \
                --wait\t'Wait until it has ended.' \
                -w\t'Wait until it has ended.' \
                --all\t'Runners of all projects.' \
                -a\t'Runners of all projects.' \
                --json\t'Write the names of the projects to a file (-a).' \
                -j\t'Write the names of the projects to a file (-a).' \
                --max-wait\t'Seconds to wait with --wait; 0, and without --all the default, mean no limit.' \
                -m\t'Seconds to wait with --wait; 0, and without --all the default, mean no limit.' \
                --runner\t'Only the runner of this id.' \
                --host\t'Only runners on this machine.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--json' '-j' '--max-wait' '-m' '--runner' '--host'
        case ' runner shutdown'
            set __jf_options \
                --wait\t'Wait until it has ended.' \
                -w\t'Wait until it has ended.' \
                --all\t'Runners of all projects.' \
                -a\t'Runners of all projects.' \
                --json\t'Write the names of the projects to a file (-a).' \
                -j\t'Write the names of the projects to a file (-a).' \
                --max-wait\t'Seconds to wait with --wait; 0, and without --all the default, mean no limit.' \
                -m\t'Seconds to wait with --wait; 0, and without --all the default, mean no limit.' \
                --runner\t'Only the runner of this id.' \
                --host\t'Only runners on this machine.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--json' '-j' '--max-wait' '-m' '--runner' '--host'
        case ' runner stop-processes'
            set __jf_options \
                --wait\t'Wait until it has ended.' \
                -w\t'Wait until it has ended.' \
                --all\t'Runners of all projects.' \
                -a\t'Runners of all projects.' \
                --json\t'Write the names of the projects to a file (-a).' \
                -j\t'Write the names of the projects to a file (-a).' \
                --max-wait\t'Seconds to wait with --wait; 0, and without --all the default, mean no limit.' \
                -m\t'Seconds to wait with --wait; 0, and without --all the default, mean no limit.' \
                --runner\t'Only the runner of this id.' \
                --host\t'Only runners on this machine.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--json' '-j' '--max-wait' '-m' '--runner' '--host'
        case ' runner kill'
            set __jf_options \
                --wait\t'Wait until it has ended.' \
                -w\t'Wait until it has ended.' \
                --all\t'Runners of all projects.' \
                -a\t'Runners of all projects.' \
                --json\t'Write the names of the projects to a file (-a).' \
                -j\t'Write the names of the projects to a file (-a).' \
                --max-wait\t'Seconds to wait with --wait; 0, and without --all the default, mean no limit.' \
                -m\t'Seconds to wait with --wait; 0, and without --all the default, mean no limit.' \
                --runner\t'Only the runner of this id.' \
                --host\t'Only runners on this machine.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--json' '-j' '--max-wait' '-m' '--runner' '--host'
        case ' runner restart'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' runner reload'
            set __jf_options \
                --runner\t'Only the runner of this id.' \
                --host\t'Only runners on this machine.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--runner' '--host'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' runner pause'
            set __jf_options \
                --runner\t'Only the runner of this id.' \
                --host\t'Only runners on this machine.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--runner' '--host'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' runner resume'
            set __jf_options \
                --runner\t'Only the runner of this id.' \
                --host\t'Only runners on this machine.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--runner' '--host'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' runner foreground'
            set __jf_options \
                --help\t'Show this message and exit.'
        case ' runner log'
            set __jf_options \
                --follow\t'Keep printing new messages.' \
                -f\t'Keep printing new messages.' \
                --lines\t'Last messages to show; 0 for all.' \
                -n\t'Last messages to show; 0 for all.' \
                --runner\t'Only the runner of this id.' \
                --level\t'Lowest level to show, of error, warn, info, debug.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--lines' '-n' '--runner'
            set __jf_choices '--level |error warn info debug'
        case ' runner unit'
            set __jf_options \
                --cron\t'Print crontab lines, for machines without systemd.' \
                --help\t'Show this message and exit.'
        case ' runner run'
            set __jf_options \
                --log-level\t'One of error, warn, info, debug; default: the project\'s.' \
                -log\t'One of error, warn, info, debug; default: the project\'s.' \
                --set-pid\t'Use the process id as the runner\'s id.' \
                -pid\t'Use the process id as the runner\'s id.' \
                --transfer\t'Upload and download.' \
                -t\t'Upload and download.' \
                --complete\t'Complete jobs.' \
                -com\t'Complete jobs.' \
                --queue\t'Submit and poll the queues.' \
                -q\t'Submit and poll the queues.' \
                --checkout\t'Claim jobs.' \
                -cho\t'Claim jobs.' \
                --connect-interactive\t'First log in to workers that require a user for it.' \
                -i\t'First log in to workers that require a user for it.' \
                --daemonized\t'Started by a daemon.' \
                -d\t'Started by a daemon.' \
                --until-idle\t'Stop when nothing is left to do (for the chosen steps).' \
                --max-time\t'Stop after this many seconds; exit 8 if not idle.' \
                --metrics\t'Serve metrics at this address.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--max-time'
            set __jf_choices '--log-level -log |error warn info debug' '--format |table wide json ndjson yaml csv name count'
        case ' runner status'
            set __jf_options \
                --notify\t'Send the findings as notifications.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' runner list'
            set __jf_options \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' runner info'
            set __jf_options \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --pings\t'Also show the last heartbeats.' \
                -p\t'Also show the last heartbeats.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' runner reset'
            set __jf_options \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --break-lock\t'Take the lock even if another process holds it.' \
                -bl\t'Take the lock even if another process holds it.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' runner update-status'
            set __jf_options \
                --log-level\t'One of error, warn, info, debug; default: the project\'s.' \
                -log\t'One of error, warn, info, debug; default: the project\'s.' \
                --set-pid\t'Use the process id as the runner\'s id.' \
                -pid\t'Use the process id as the runner\'s id.' \
                --connect-interactive\t'First log in to workers that require a user for it.' \
                -i\t'First log in to workers that require a user for it.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--log-level -log |error warn info debug' '--format |table wide json ndjson yaml csv name count'
        case ' project'
            set __jf_commands \
                list\t'List the projects by name.' \
                generate\t'Write an example MongoDB project file for you to edit.' \
                check\t'Check database, outputs, workers and environment; exit 9 if a check fails.' \
                check-conflicts\t'Look for databases, folders and batch pools that projects share; exit 9 if any.' \
                validate\t'Validate a project file, problems by line; exit 9 if it is invalid.' \
                show\t'Show a project file, optionally with all defaults; secrets are hidden.' \
                remove\t'Delete a project: its file, and its folder with all that jfr made in it.' \
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
                --warn\t'Show which files are invalid.' \
                -w\t'Show which files are invalid.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project generate'
            set __jf_options \
                --format\t'json, yaml or toml.' \
                -f\t'json, yaml or toml.' \
                --full\t'Include every kind of entry.' \
                --dry-run\t'Show what would be done; change nothing.' \
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
                --errors\t'Show full errors.' \
                -e\t'Show full errors.' \
                --full\t'Also compare all packages of the workers.' \
                -f\t'Also compare all packages of the workers.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--worker=workers' '-w=workers'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project check-conflicts'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project validate'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project show'
            set __jf_options \
                --resolved\t'Include all default values.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=projects'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project remove'
            set __jf_options \
                --keep-folders\t'Delete only the file, without asking.' \
                -k\t'Delete only the file, without asking.' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=projects'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project migrate'
            set __jf_options \
                --to\t'mongodb://HOST/DATABASE, or a folder for an embedded database.' \
                --switch\t'Then switch the project file to it; keeps a copy.' \
                --queue-only\t'Do not copy outputs.' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
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
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
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
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' project edit'
            set __jf_commands \
                replace\t'Replace a text in project files: shows and checks each change, and asks per file.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' project edit replace'
            set __jf_options \
                --all\t'Edit all project files, even with active runners.' \
                -a\t'Edit all project files, even with active runners.' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --no-backup\t'Do not keep a copy of the file.' \
                -nb\t'Do not keep a copy of the file.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' worker'
            set __jf_commands \
                login\t'Log in to a worker\'s host; ssh asks for what it needs, such as a one-time code.' \
                test\t'Run a small job through a worker\'s queue, end to end; exit 9 if it fails.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' worker login'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '<1>=workers'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' worker test'
            set __jf_options \
                --exec-config\t'Use this exec_config.' \
                -ec\t'Use this exec_config.' \
                --connect\t'HOST:PORT that the job must reach from its node.' \
                --timeout\t'Time limit; exit 8 when it is reached.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--exec-config=exec_configs' '-ec=exec_configs' '<1>=workers'
            set __jf_takes '--connect' '--timeout'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin'
            set __jf_commands \
                upgrade\t'Upgrade a database of jobflow-remote 0.1.x or 1.0.x; without -ndr, only show the plan.' \
                doctor\t'Find inconsistencies; with --fix, repair them. Exit 9 if problems remain.' \
                log\t'Show administrative actions and actions on jobs: what, who and from where.' \
                reset\t'Set up the queue database; deletes all jobs and flows in it.' \
                compact\t'Release the disk space of deleted and archived jobs.' \
                unlock\t'Remove job locks whose holder is gone. A holder that is still alive loses its work.' \
                unlock-flow\t'Remove flow locks whose holder is gone.' \
                unlock-runner\t'Remove the lock on the project\'s runner record.' \
                index\t'The indexes of the queue database.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' admin upgrade'
            set __jf_options \
                --no-dry-run\t'Upgrade instead of only showing the plan.' \
                -ndr\t'Upgrade instead of only showing the plan.' \
                --check-env\t'Compare all packages, not only jobflow.' \
                -ce\t'Compare all packages, not only jobflow.' \
                --target\t'Stop at this version.' \
                -t\t'Stop at this version.' \
                --force\t'Ignore failed preconditions.' \
                -f\t'Ignore failed preconditions.' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--target' '-t'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin doctor'
            set __jf_options \
                --fix\t'Repair what can be repaired.' \
                --watch-locks\t'Watch the locks for 20 s to see which are renewed.' \
                --outputs\t'Also check that completed jobs have outputs.' \
                --files\t'Also look for remains of removed run folders.' \
                --foreign-locks\t'Remove locks of jobflow-remote (must not be running).' \
                --half-inserted\t'Remove remains of interrupted submissions.' \
                --notify\t'Send the findings as notifications.' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin log'
            set __jf_options \
                --since\t'Happened at or after (local time).' \
                --max-results\t'Only the last N (0: all).' \
                -m\t'Only the last N (0: all).' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--since' '--max-results' '-m' '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin reset'
            set __jf_options \
                --output\t'Delete all outputs too.' \
                -o\t'Delete all outputs too.' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin compact'
            set __jf_options \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin unlock'
            set __jf_options \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --metadata\t'JSON, or "key=value,key2=value2".' \
                -meta\t'JSON, or "key=value,key2=value2".' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows' '--worker=workers' '-wk=workers'
            set __jf_takes '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--metadata' '-meta' '--days' '-ds' '--hours' '-hs'
            set __jf_choices '--state -s |WAITING READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED REMOTE_ERROR COMPLETED FAILED PAUSED STOPPED USER_STOPPED BATCH_SUBMITTED BATCH_RUNNING' '--format |table wide json ndjson yaml csv name count'
        case ' admin unlock-flow'
            set __jf_options \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, upper or lower case; separate several with commas.' \
                -s\t'State, upper or lower case; separate several with commas.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Full name; *, ? and [0-9] are wildcards.' \
                -n\t'Full name; *, ? and [0-9] are wildcards.' \
                --days\t'Changed within this many days.' \
                -ds\t'Changed within this many days.' \
                --hours\t'Changed within this many hours.' \
                -hs\t'Changed within this many hours.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--job-id=job_uuids' '-jid=job_uuids' '--db-id=jobs' '-did=jobs' '--flow-id=flows' '-fid=flows'
            set __jf_takes '--start-date' '-sdate' '--end-date' '-edate' '--name' '-n' '--days' '-ds' '--hours' '-hs'
            set __jf_choices '--state -s |WAITING READY RUNNING COMPLETED FAILED PAUSED STOPPED' '--format |table wide json ndjson yaml csv name count'
        case ' admin unlock-runner'
            set __jf_options \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin index'
            set __jf_commands \
                rebuild\t'Drop all indexes and rebuild the built-in ones; indexes you added are lost.' \
                create\t'Create a custom index if it does not exist.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' admin index rebuild'
            set __jf_options \
                --foreground\t'Block all other work on the server during the build.' \
                -fg\t'Block all other work on the server during the build.' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' admin index create'
            set __jf_options \
                --foreground\t'Block all other work on the server during the build.' \
                -fg\t'Block all other work on the server during the build.' \
                --collection\t'One of jobs, flows, aux, batches.' \
                -c\t'One of jobs, flows, aux, batches.' \
                --unique\t'Require unique values.' \
                -u\t'Require unique values.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--collection -c |jobs flows aux batches' '--format |table wide json ndjson yaml csv name count' '<2> |asc desc'
        case ' batch'
            set __jf_commands \
                list\t'List batch processes, most recently changed first.' \
                info\t'Show a batch process and the jobs that it executed.' \
                delete\t'Delete records of batch processes (default: FINISHED ones); no process is stopped.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' batch list'
            set __jf_options \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --max-results\t'Maximum number (0: no limit).' \
                -m\t'Maximum number (0: no limit).' \
                --state\t'State of the batch process, upper or lower case; separate several with commas.' \
                -s\t'State of the batch process, upper or lower case; separate several with commas.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --db-id\t'Job by db_id; separate several with commas.' \
                -did\t'Job by db_id; separate several with commas.' \
                --verbosity\t'Show more; -vv shows even more.' \
                --verbose\t'Show more; -vv shows even more.' \
                -v\t'Show more; -vv shows even more.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--worker=workers' '-wk=workers' '--job-id=job_uuids_with_index' '-jid=job_uuids_with_index' '--db-id=jobs' '-did=jobs'
            set __jf_takes '--max-results' '-m' '--columns'
            set __jf_choices '--state -s |SUBMITTED RUNNING FINISHED' '--format |table wide json ndjson yaml csv name count'
        case ' batch info'
            set __jf_options \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' batch delete'
            set __jf_options \
                --state\t'State of the batch process, upper or lower case; separate several with commas.' \
                -s\t'State of the batch process, upper or lower case; separate several with commas.' \
                --process-id\t'Id in the queue.' \
                -pid\t'Id in the queue.' \
                --batch-uid\t'Internal id of the process.' \
                -bid\t'Internal id of the process.' \
                --worker\t'Name of the worker.' \
                -wk\t'Name of the worker.' \
                --yes\t'Do not ask for confirmation.' \
                -y\t'Do not ask for confirmation.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks '--worker=workers' '-wk=workers'
            set __jf_takes '--process-id' '-pid' '--batch-uid' '-bid'
            set __jf_choices '--state -s |SUBMITTED RUNNING FINISHED' '--format |table wide json ndjson yaml csv name count'
        case ' batch fix-batch-doc-jobs-dict'
            set __jf_options \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' backup'
            set __jf_commands \
                create\t'Write all jobs, flows, batch processes and ids to DIR/DATABASE, without outputs.' \
                restore\t'Restore a backup, made on either engine, into the empty queue database.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' backup create'
            set __jf_options \
                --compress\t'Compress: write .bson.gz.' \
                -c\t'Compress: write .bson.gz.' \
                --mongo-path\t'Folder of mongodump and mongorestore.' \
                -m\t'Folder of mongodump and mongorestore.' \
                --python\t'Never use MongoDB\'s tools.' \
                -p\t'Never use MongoDB\'s tools.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--mongo-path' '-m'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' backup restore'
            set __jf_options \
                --mongo-path\t'Folder of mongodump and mongorestore.' \
                -m\t'Folder of mongodump and mongorestore.' \
                --python\t'Never use MongoDB\'s tools.' \
                -p\t'Never use MongoDB\'s tools.' \
                --dry-run\t'Show what would be done; change nothing.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--mongo-path' '-m'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' gui'
            set __jf_options \
                --port\t'Port; 0 chooses a free one.' \
                -p\t'Port; 0 chooses a free one.' \
                --host\t'Address to listen on; others let other users connect.' \
                --socket\t'Listen on a unix socket, for ssh -L.' \
                --actions\t'Allow actions on the pages, which are read-only otherwise.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
            set __jf_takes '--port' '-p' '--host' '--socket'
        case ' plugin'
            set __jf_commands \
                list\t'List the plugins and the commands they add.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' plugin list'
            set __jf_options \
                --error\t'Show why plugins could not be loaded.' \
                -e\t'Show why plugins could not be loaded.' \
                --format\t'Output format: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, separated by commas.' \
                --watch\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                -W\t'Refresh until Ctrl-C: --watch (every 2 s), --watch=5; --watch 5 after arguments.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--columns'
            set __jf_choices '--format |table wide json ndjson yaml csv name count'
        case ' execution'
            set __jf_commands \
                run\t'Run the job whose input is in a directory.' \
                pool\t'Run jobs one after the other in long-lived processes.' \
                run-batch\t'Run the jobs of a pool: the command of a batch process, inside its allocation.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' execution run'
            set __jf_options \
                --help\t'Show this message and exit.'
        case ' execution pool'
            set __jf_options \
                --help\t'Show this message and exit.'
        case ' execution run-batch'
            set __jf_options \
                --max-time\t'Start jobs for this many seconds.' \
                -mt\t'Start jobs for this many seconds.' \
                --max-wait\t'Wait this many seconds for a job (0: no limit).' \
                -mw\t'Wait this many seconds for a job (0: no limit).' \
                --max-jobs\t'Jobs to run before ending.' \
                -mj\t'Jobs to run before ending.' \
                --parallel-jobs\t'Number of parallel jobs.' \
                -pj\t'Number of parallel jobs.' \
                --sleep-time\t'Maximum seconds between checks of the pool.' \
                -st\t'Maximum seconds between checks of the pool.' \
                --help\t'Show this message and exit.'
            set __jf_takes '--max-time' '-mt' '--max-wait' '-mw' '--max-jobs' '-mj' '--parallel-jobs' '-pj' '--sleep-time' '-st'
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

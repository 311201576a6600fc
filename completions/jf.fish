# fish completion for jf. Made by `make generate` from the commands; do not edit.
# Put it into ~/.config/fish/completions/jf.fish

# What may follow the words of a command: commands, options, and whether jf knows an argument;
# asks are options whose value jf knows, takes those with another value.
function __jf_facts
    set -g __jf_commands
    set -g __jf_options
    set -g __jf_asks
    set -g __jf_takes
    set -g __jf_argument
    switch "$argv[1]"
        case ''
            set __jf_commands \
                quickstart\t'Make a project on the embedded database, with a local worker, ready to run.' \
                demo\t'Submit the equation of state of some metals, in the selected project.' \
                job\t'List jobs, and look into one.' \
                flow\t'List flows, and look into one.' \
                runner\t'Run the jobs of a project.' \
                project\t'Make, list and check projects.' \
                admin\t'Set up and look after the database.'
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
            set __jf_asks --project -p --format --color
        case ' quickstart'
            set __jf_options \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
            set __jf_asks --format
        case ' demo'
            set __jf_options \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' job'
            set __jf_commands \
                list\t'List jobs, the one that changed last first.' \
                info\t'Show everything about one job.' \
                output\t'Print what a job returned, as JSON.' \
                wait\t'Wait until jobs have ended; exit 7 when one did not complete, 8 when time was up.' \
                why\t'Say why a job is not running, and what to do.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' job list'
            set __jf_options \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max-results\t'At most so many; 0 for all.' \
                -m\t'At most so many; 0 for all.' \
                --sort\t'created_on, updated_on or db_id.' \
                --reverse-sort\t'Oldest first instead of newest first.' \
                -revs\t'Oldest first instead of newest first.' \
                --locked\t'Only what somebody holds.' \
                -l\t'Only what somebody holds.' \
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
                --state\t'State, in any case.' \
                -s\t'State, in any case.' \
                --db-id\t'Job by its db_id.' \
                -did\t'Job by its db_id.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [abc] are wild.' \
                -n\t'Whole name; *, ? and [abc] are wild.' \
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
                --watch\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                -W\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                --help\t'Show this message and exit.'
            set __jf_asks --sort --job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format
            set __jf_takes --max-results -m --latest-flow -lf --stored-data-key -sdk --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --columns --output -o --watch -W
        case ' job info'
            set __jf_options \
                --pid\t'Id in the worker\'s queue.' \
                --show-none\t'Show what has no value, too.' \
                -n\t'Show what has no value, too.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                -W\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                --help\t'Show this message and exit.'
            set __jf_asks --format
            set __jf_takes --pid --watch -W
            set __jf_argument 1
        case ' job output'
            set __jf_options \
                --path\t'Write to this .json or .yaml file.' \
                -p\t'Write to this .json or .yaml file.' \
                --load\t'With what lies in additional stores.' \
                -l\t'With what lies in additional stores.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks --format
            set __jf_takes --path -p
            set __jf_argument 1
        case ' job wait'
            set __jf_options \
                --for\t'Wait for this state, or one after it, instead of the end.' \
                --timeout\t'Wait at most so long; then exit 8.' \
                --any\t'One of them is enough.' \
                --job-id\t'Job by uuid and index.' \
                -jid\t'Job by uuid and index.' \
                --state\t'State, in any case.' \
                -s\t'State, in any case.' \
                --db-id\t'Job by its db_id.' \
                -did\t'Job by its db_id.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [abc] are wild.' \
                -n\t'Whole name; *, ? and [abc] are wild.' \
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
            set __jf_asks --for --job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format
            set __jf_takes --timeout --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q
            set __jf_argument 1
        case ' job why'
            set __jf_options \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --watch\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                -W\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                --help\t'Show this message and exit.'
            set __jf_asks --format
            set __jf_takes --watch -W
            set __jf_argument 1
        case ' flow'
            set __jf_commands \
                list\t'List flows, the one that changed last first.' \
                info\t'Show a flow: its structure and its jobs.' \
                wait\t'Wait until flows have ended; exit 7 when one did not complete, 8 when time was up.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' flow list'
            set __jf_options \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --max-results\t'At most so many; 0 for all.' \
                -m\t'At most so many; 0 for all.' \
                --sort\t'created_on, updated_on or db_id.' \
                --reverse-sort\t'Oldest first instead of newest first.' \
                -revs\t'Oldest first instead of newest first.' \
                --locked\t'Only what somebody holds.' \
                -l\t'Only what somebody holds.' \
                --count\t'Print only how many there are.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, in any case.' \
                -s\t'State, in any case.' \
                --db-id\t'Job by its db_id.' \
                -did\t'Job by its db_id.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [abc] are wild.' \
                -n\t'Whole name; *, ? and [abc] are wild.' \
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
                --watch\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                -W\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                --help\t'Show this message and exit.'
            set __jf_asks --sort --job-id -jid --state -s --db-id -did --flow-id -fid --format
            set __jf_takes --max-results -m --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --columns --watch -W
        case ' flow info'
            set __jf_options \
                --job\t'The uuid is that of a job.' \
                -j\t'The uuid is that of a job.' \
                --verbose\t'Show more; -vv still more.' \
                -v\t'Show more; -vv still more.' \
                --stored-data-key\t'Show this stored data.' \
                -sdk\t'Show this stored data.' \
                --jobs-sort\t'Order of the jobs, as of lists.' \
                --reverse-jobs-sort\t'The other way round.' \
                -jrevs\t'The other way round.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --output\t'Columns or keys, with commas.' \
                -o\t'Columns or keys, with commas.' \
                --watch\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                -W\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                --help\t'Show this message and exit.'
            set __jf_asks --jobs-sort --format
            set __jf_takes --stored-data-key -sdk --columns --output -o --watch -W
            set __jf_argument 1
        case ' flow wait'
            set __jf_options \
                --for\t'Wait for this state, or one after it, instead of the end.' \
                --timeout\t'Wait at most so long; then exit 8.' \
                --any\t'One of them is enough.' \
                --job-id\t'Flow of this job.' \
                -jid\t'Flow of this job.' \
                --state\t'State, in any case.' \
                -s\t'State, in any case.' \
                --db-id\t'Job by its db_id.' \
                -did\t'Job by its db_id.' \
                --flow-id\t'Flow by uuid, or any job\'s db_id.' \
                -fid\t'Flow by uuid, or any job\'s db_id.' \
                --start-date\t'Changed at or after (local).' \
                -sdate\t'Changed at or after (local).' \
                --end-date\t'Changed at or before (local).' \
                -edate\t'Changed at or before (local).' \
                --name\t'Whole name; *, ? and [abc] are wild.' \
                -n\t'Whole name; *, ? and [abc] are wild.' \
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
            set __jf_asks --for --job-id -jid --state -s --db-id -did --flow-id -fid --format
            set __jf_takes --timeout --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q
            set __jf_argument 1
        case ' runner'
            set __jf_commands \
                run\t'Run jobs in the foreground, until Ctrl-C or until nothing is left to do.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' runner run'
            set __jf_options \
                --log-level\t'error, warn, info or debug.' \
                -log\t'error, warn, info or debug.' \
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
                --until-idle\t'End when nothing is left to do.' \
                --max-time\t'Seconds after which to end (--until-idle).' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks --format
            set __jf_takes --log-level -log --max-time
        case ' project'
            set __jf_commands \
                list\t'List the projects by name.' \
                generate\t'Write an example project on MongoDB, to be edited.' \
                check\t'Check that database, outputs and workers can be used; exit 9 when one cannot.'
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
                --watch\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                -W\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                --help\t'Show this message and exit.'
            set __jf_asks --format
            set __jf_takes --columns --watch -W
        case ' project generate'
            set __jf_options \
                --format\t'json, yaml or toml.' \
                -f\t'json, yaml or toml.' \
                --full\t'Write every kind of entry.' \
                --help\t'Show this message and exit.'
            set __jf_asks --format -f
        case ' project check'
            set __jf_options \
                --jobstore\t'Only the JobStore.' \
                -js\t'Only the JobStore.' \
                --queue\t'Only the queue.' \
                -q\t'Only the queue.' \
                --worker\t'Only this worker.' \
                -w\t'Only this worker.' \
                --errors\t'Show whole errors.' \
                -e\t'Show whole errors.' \
                --full\t'Check more.' \
                -f\t'Check more.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --columns\t'Columns or keys, with commas.' \
                --watch\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                -W\t'Show again and again until Ctrl-C: --watch (every 2 s), --watch=5 or -W 5.' \
                --help\t'Show this message and exit.'
            set __jf_asks --format
            set __jf_takes --worker -w --columns --watch -W
        case ' admin'
            set __jf_commands \
                reset\t'Set up the queue database, deleting all jobs and flows that are in it.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
        case ' admin reset'
            set __jf_options \
                --output\t'Delete all outputs too.' \
                -o\t'Delete all outputs too.' \
                --yes\t'Do not ask.' \
                -y\t'Do not ask.' \
                --format\t'How to print: table, wide, json, ndjson, yaml, csv, name, count.' \
                --json\t'Same as --format json.' \
                --help\t'Show this message and exit.'
            set __jf_asks --format
        case ' execution'
            set __jf_commands \
                run\t'Run the job whose input lies in a directory.'
            set __jf_options \
                --tree\t'Print the commands of this group.' \
                --help\t'Show this message and exit.' \
                -h\t'Show this message and exit.'
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
    __jf_facts ''
    for word in $words[2..-1]
        if test -n "$option"
            set option ''
        else if string match -q -- '-*' $word
            contains -- $word $__jf_asks $__jf_takes; and set option $word
        else if set -q __jf_commands[1]
            set trail "$trail $word"
            __jf_facts $trail; or return
        end
    end
    set -l kept ''
    if test -z "$option"; and string match -q -- '--*=*' $cur
        set option (string split -m 1 = -- $cur)[1]
        set kept "$option="
    else if test -z "$option"; and string match -q -- '-*' $cur
        printf '%s\n' $__jf_options
        return
    else if test -z "$option"; and set -q __jf_commands[1]
        printf '%s\n' $__jf_commands
        return
    end
    if test -n "$option"; and not contains -- $option $__jf_asks
        __fish_complete_path $cur
    else if test -z "$option"; and test -z "$__jf_argument"
        __fish_complete_path $cur
    else
        for found in (env _JF_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
                _TYPER_COMPLETE_ARGS="$words $cur" $words[1] 2>/dev/null)
            echo -- $kept$found
        end
    end
end

complete -c jf -f -k -a '(__jf_complete)'

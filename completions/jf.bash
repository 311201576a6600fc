# bash completion for jf. Made by `make generate` from the commands; do not edit.
# Put it into ~/.local/share/bash-completion/completions/jf, or source it.

# What may follow the words of a command: commands, options, and whether jf knows an argument;
# `asks` are options whose value jf knows, `takes` those with another value.
_jf_facts() {
    commands='' options='' asks='' takes='' argument=''
    case $1 in
    '')
        commands='quickstart demo job flow runner project admin batch backup gui plugin'
        options='--project -p --full-exc -fe --warn-project -wp --format --json --color --no-pager --tree --version --install-completion --show-completion --help -h'
        asks='--project -p --format --color'
        ;;
    ' quickstart')
        options='--format --json --help -h'
        asks='--format'
        ;;
    ' demo')
        options='--help -h'
        ;;
    ' job')
        commands='list info output wait why set-state rerun retry pause resume stop delete queue-out todir report set files'
        options='--tree --help -h'
        ;;
    ' job list')
        options='--verbose -v --max-results -m --sort --reverse-sort -revs --locked -l --latest-flow -lf --error -e --running -run --count --stored-data-key -sdk --color -col --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --columns --output -o --watch -W --help'
        asks='--sort --job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--max-results -m --latest-flow -lf --stored-data-key -sdk --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --columns --output -o --watch -W'
        ;;
    ' job info')
        options='--pid --show-none -n --verbose -v --format --json --watch -W --help'
        asks='--format'
        takes='--pid --watch -W'
        argument=1
        ;;
    ' job output')
        options='--path -p --load -l --format --json --help'
        asks='--format'
        takes='--path -p'
        argument=1
        ;;
    ' job wait')
        options='--for --timeout --any --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--for --job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--timeout --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        argument=1
        ;;
    ' job why')
        options='--format --json --watch -W --help'
        asks='--format'
        takes='--watch -W'
        argument=1
        ;;
    ' job dump')
        options='--path -p --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--path -p --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        ;;
    ' job set-state')
        options='--wait -w --break-lock -bl --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        argument=1
        ;;
    ' job rerun')
        options='--force -f --no-delete -nd --wait -w --break-lock -bl --raise-on-error -re --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        argument=1
        ;;
    ' job retry')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        argument=1
        ;;
    ' job pause')
        options='--wait -w --raise-on-error -re --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        argument=1
        ;;
    ' job resume')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        argument=1
        ;;
    ' job play')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        argument=1
        ;;
    ' job stop')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        argument=1
        ;;
    ' job delete')
        options='--output -o --files -fi --all -a --wait -w --break-lock -bl --raise-on-error -re --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        argument=1
        ;;
    ' job queue-out')
        options='--format --json --help'
        asks='--format'
        argument=1
        ;;
    ' job todir')
        options='--shell -s --help'
        takes='--shell -s'
        argument=1
        ;;
    ' job report')
        options='--format --json --help'
        asks='--format'
        ;;
    ' job set')
        commands='worker exec-config resources priority'
        options='--tree --help -h'
        ;;
    ' job set worker')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        argument=1
        ;;
    ' job set exec-config')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        ;;
    ' job set resources')
        options='--replace -r --qresources -qr --wait -w --break-lock -bl --raise-on-error -re --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        ;;
    ' job set priority')
        options='--wait -w --break-lock -bl --raise-on-error -re --verbose -v --max --yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--wait -w --max --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        ;;
    ' job files')
        commands='ls get delete'
        options='--tree --help -h'
        ;;
    ' job files ls')
        options='--format --json --help'
        asks='--format'
        argument=1
        ;;
    ' job files get')
        options='--index -i --path -p --format --json --help'
        asks='--format'
        takes='--index -i --path -p'
        argument=1
        ;;
    ' job files delete')
        options='--index -i --all-states -as --force -f --dry-run --format --json --help'
        asks='--format'
        takes='--index -i'
        argument=1
        ;;
    ' flow')
        commands='list info wait delete clean resume graph report set'
        options='--tree --help -h'
        ;;
    ' flow list')
        options='--verbose -v --max-results -m --sort --reverse-sort -revs --locked -l --count --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --format --json --columns --watch -W --help'
        asks='--sort --job-id -jid --state -s --db-id -did --flow-id -fid --format'
        takes='--max-results -m --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --columns --watch -W'
        ;;
    ' flow info')
        options='--job -j --verbose -v --stored-data-key -sdk --jobs-sort --reverse-jobs-sort -jrevs --format --json --columns --output -o --watch -W --help'
        asks='--jobs-sort --format'
        takes='--stored-data-key -sdk --columns --output -o --watch -W'
        argument=1
        ;;
    ' flow wait')
        options='--for --timeout --any --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --format --json --help'
        asks='--for --job-id -jid --state -s --db-id -did --flow-id -fid --format'
        takes='--timeout --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        argument=1
        ;;
    ' flow delete')
        options='--yes -y --max -m --verbose -v --output -o --files -fi --all -a --keep-processes -kp --wait -w --break-lock -bl --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --format'
        takes='--max -m --wait -w --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        ;;
    ' flow clean')
        options='--verbose -v --locked -l --force -f --yes -y --all-states -as --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --format'
        takes='--start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --query -q'
        ;;
    ' flow resume')
        options='--job -j --wait -w --break-lock -bl --dry-run --format --json --help'
        asks='--format'
        takes='--wait -w'
        argument=1
        ;;
    ' flow graph')
        options='--job -j --label -l --path -p --as --mermaid -m --dash -d --format --json --help'
        asks='--format'
        takes='--label -l --path -p --as'
        argument=1
        ;;
    ' flow report')
        options='--format --json --help'
        asks='--format'
        ;;
    ' flow set')
        commands='store'
        options='--tree --help -h'
        ;;
    ' flow set store')
        options='--job -j --dry-run --format --json --help'
        asks='--format'
        argument=1
        ;;
    ' runner')
        commands='start stop shutdown kill restart reload foreground run status info reset update-status'
        options='--tree --help -h'
        ;;
    ' runner start')
        options='--transfer -t --complete -com --single -s --log-level -log --connect-interactive -i --help'
        asks='--log-level -log'
        takes='--transfer -t --complete -com'
        ;;
    ' runner stop')
        options='--wait -w --all -a --json -j --max-wait -m --help'
        takes='--json -j --max-wait -m'
        ;;
    ' runner shutdown')
        options='--wait -w --all -a --json -j --max-wait -m --help'
        takes='--json -j --max-wait -m'
        ;;
    ' runner kill')
        options='--wait -w --all -a --json -j --max-wait -m --help'
        takes='--json -j --max-wait -m'
        ;;
    ' runner stop-processes')
        options='--wait -w --all -a --json -j --max-wait -m --help'
        takes='--json -j --max-wait -m'
        ;;
    ' runner restart')
        options='--help'
        ;;
    ' runner reload')
        options='--help'
        ;;
    ' runner foreground')
        options='--help'
        ;;
    ' runner run')
        options='--log-level -log --set-pid -pid --transfer -t --complete -com --queue -q --checkout -cho --connect-interactive -i --daemonized -d --until-idle --max-time --format --json --help'
        asks='--log-level -log --format'
        takes='--max-time'
        ;;
    ' runner status')
        options='--format --json --help'
        asks='--format'
        ;;
    ' runner info')
        options='--verbose -v --pings -p --format --json --help'
        asks='--format'
        ;;
    ' runner reset')
        options='--yes -y --break-lock -bl --dry-run --format --json --help'
        asks='--format'
        ;;
    ' runner update-status')
        options='--log-level -log --set-pid -pid --connect-interactive -i --format --json --help'
        asks='--log-level -log --format'
        ;;
    ' project')
        commands='list generate check check-conflicts validate show remove migrate worker exec_config edit'
        options='--tree --help -h'
        ;;
    ' project list')
        options='--warn -w --format --json --columns --watch -W --help'
        asks='--format'
        takes='--columns --watch -W'
        ;;
    ' project generate')
        options='--format -f --full --dry-run --json --help'
        asks='--format -f'
        ;;
    ' project check')
        options='--jobstore -js --queue -q --worker -w --errors -e --full -f --format --json --columns --watch -W --help'
        asks='--worker -w --format'
        takes='--columns --watch -W'
        ;;
    ' project check-conflicts')
        options='--format --json --columns --watch -W --help'
        asks='--format'
        takes='--columns --watch -W'
        ;;
    ' project validate')
        options='--format --json --columns --watch -W --help'
        asks='--format'
        takes='--columns --watch -W'
        ;;
    ' project show')
        options='--resolved --format --json --help'
        asks='--format'
        argument=1
        ;;
    ' project remove')
        options='--keep-folders -k --yes -y --dry-run --format --json --help'
        asks='--format'
        argument=1
        ;;
    ' project migrate')
        options='--to --switch --yes -y --dry-run --format --json --columns --watch -W --help'
        asks='--format'
        takes='--to --columns --watch -W'
        ;;
    ' project worker')
        commands='list'
        options='--tree --help -h'
        ;;
    ' project worker list')
        options='--verbose -v --format --json --columns --watch -W --help'
        asks='--format'
        takes='--columns --watch -W'
        ;;
    ' project exec_config')
        commands='list'
        options='--tree --help -h'
        ;;
    ' project exec_config list')
        options='--verbose -v --format --json --columns --watch -W --help'
        asks='--format'
        takes='--columns --watch -W'
        ;;
    ' project edit')
        commands='replace'
        options='--tree --help -h'
        ;;
    ' project edit replace')
        options='--all -a --yes -y --no-backup -nb --dry-run --format --json --columns --watch -W --help'
        asks='--format'
        takes='--columns --watch -W'
        ;;
    ' admin')
        commands='upgrade doctor reset unlock unlock-flow unlock-runner index'
        options='--tree --help -h'
        ;;
    ' admin upgrade')
        options='--no-dry-run -ndr --check-env -ce --target -t --force -f --yes -y --dry-run --format --json --help'
        asks='--format'
        takes='--target -t'
        ;;
    ' admin doctor')
        options='--fix --watch-locks --outputs --foreign-locks --half-inserted --yes -y --dry-run --format --json --help'
        asks='--format'
        ;;
    ' admin reset')
        options='--output -o --yes -y --dry-run --format --json --help'
        asks='--format'
        ;;
    ' admin unlock')
        options='--yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs --worker -wk --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --worker -wk --format'
        takes='--start-date -sdate --end-date -edate --name -n --metadata -meta --days -ds --hours -hs'
        ;;
    ' admin unlock-flow')
        options='--yes -y --dry-run --job-id -jid --state -s --db-id -did --flow-id -fid --start-date -sdate --end-date -edate --name -n --days -ds --hours -hs --format --json --help'
        asks='--job-id -jid --state -s --db-id -did --flow-id -fid --format'
        takes='--start-date -sdate --end-date -edate --name -n --days -ds --hours -hs'
        ;;
    ' admin unlock-runner')
        options='--dry-run --format --json --help'
        asks='--format'
        ;;
    ' admin index')
        commands='rebuild create'
        options='--tree --help -h'
        ;;
    ' admin index rebuild')
        options='--foreground -fg --yes -y --dry-run --format --json --help'
        asks='--format'
        ;;
    ' admin index create')
        options='--foreground -fg --collection -c --unique -u --dry-run --format --json --help'
        asks='--collection -c --format'
        argument=1
        ;;
    ' batch')
        commands='list info delete'
        options='--tree --help -h'
        ;;
    ' batch list')
        options='--worker -wk --max-results -m --state -s --job-id -jid --db-id -did --verbose -v --format --json --columns --watch -W --help'
        asks='--worker -wk --state -s --job-id -jid --db-id -did --format'
        takes='--max-results -m --columns --watch -W'
        ;;
    ' batch info')
        options='--format --json --help'
        asks='--format'
        ;;
    ' batch delete')
        options='--state -s --process-id -pid --batch-uid -bid --worker -wk --yes -y --dry-run --format --json --help'
        asks='--state -s --worker -wk --format'
        takes='--process-id -pid --batch-uid -bid'
        ;;
    ' batch fix-batch-doc-jobs-dict')
        options='--dry-run --format --json --help'
        asks='--format'
        ;;
    ' backup')
        commands='create restore'
        options='--tree --help -h'
        ;;
    ' backup create')
        options='--compress -c --mongo-path -m --python -p --dry-run --format --json --help'
        asks='--format'
        takes='--mongo-path -m'
        ;;
    ' backup restore')
        options='--mongo-path -m --python -p --dry-run --format --json --help'
        asks='--format'
        takes='--mongo-path -m'
        ;;
    ' gui')
        options='--port -p --help -h'
        takes='--port -p'
        ;;
    ' plugin')
        commands='list'
        options='--tree --help -h'
        ;;
    ' plugin list')
        options='--error -e --format --json --columns --watch -W --help'
        asks='--format'
        takes='--columns --watch -W'
        ;;
    ' execution')
        commands='run-batch run'
        options='--tree --help -h'
        ;;
    ' execution run-batch')
        options='--max-time -mt --max-wait -mw --max-jobs -mj --parallel-jobs -pj --sleep-time -st --help'
        takes='--max-time -mt --max-wait -mw --max-jobs -mj --parallel-jobs -pj --sleep-time -st'
        ;;
    ' execution run')
        options='--help'
        ;;
    *) return 1 ;;
    esac
}

_jf() {
    local line=${COMP_LINE:0:COMP_POINT} program=$1 cur word trail='' option='' i
    local commands options asks takes argument words candidates=()
    [[ $program == '~'* ]] && program=$HOME${program:1}
    COMPREPLY=()
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    cur=${words[${#words[@]} - 1]}
    _jf_facts ''
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        word=${words[i]}
        if [[ -n $option ]]; then
            option=''
        elif [[ $word == -* ]]; then
            [[ " $asks $takes " == *" $word "* ]] && option=$word
        elif [[ -n $commands ]]; then
            trail+=" $word"
            _jf_facts "$trail" || return 0
        fi
    done
    if [[ $cur == --*=* && -z $option ]]; then
        option=${cur%%=*} cur=${cur#*=}
    elif [[ -z $option && $cur == -* ]]; then
        candidates=($options)
    elif [[ -z $option && -n $commands ]]; then
        candidates=($commands)
    fi
    if [[ -n $option && " $asks " == *" $option "* ]] ||
        [[ -z $option && -z $commands && -n $argument && $cur != -* ]]; then
        mapfile -t candidates < <(env COMP_WORDS="$line" COMP_CWORD=$((${#words[@]} - 1)) \
            _JF_COMPLETE=complete_bash "$program" 2>/dev/null)
    elif [[ -n $option ]] || [[ -z $commands && $cur != -* ]]; then
        compopt -o default 2>/dev/null
        return 0
    fi
    # A colon begins a new word for bash: what is before it stays.
    local kept=''
    [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]] && kept=${cur%"${cur##*:}"}
    for word in "${candidates[@]}"; do
        [[ $word == "$cur"* ]] && COMPREPLY+=("$(printf %q "${word#"$kept"}")")
    done
    return 0
}

complete -o nosort -F _jf jf 2>/dev/null || complete -F _jf jf

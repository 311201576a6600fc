# bash completion for jf. Made by `make generate` from the commands; do not edit.
# Put it into ~/.local/share/bash-completion/completions/jf, or source it.

# What may follow the words of a command: commands, options, and whether jf knows an argument;
# `asks` are options whose value jf knows, `takes` those with another value.
_jf_facts() {
    commands='' options='' asks='' takes='' argument=''
    case $1 in
    '')
        commands='quickstart demo job flow runner project admin'
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
        commands='list info output wait why'
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
    ' flow')
        commands='list info wait'
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
    ' runner')
        commands='run'
        options='--tree --help -h'
        ;;
    ' runner run')
        options='--log-level -log --set-pid -pid --transfer -t --complete -com --queue -q --checkout -cho --connect-interactive -i --daemonized -d --until-idle --max-time --format --json --help'
        asks='--format'
        takes='--log-level -log --max-time'
        ;;
    ' project')
        commands='list generate check'
        options='--tree --help -h'
        ;;
    ' project list')
        options='--warn -w --format --json --columns --watch -W --help'
        asks='--format'
        takes='--columns --watch -W'
        ;;
    ' project generate')
        options='--format -f --full --help'
        asks='--format -f'
        ;;
    ' project check')
        options='--jobstore -js --queue -q --worker -w --errors -e --full -f --format --json --columns --watch -W --help'
        asks='--format'
        takes='--worker -w --columns --watch -W'
        ;;
    ' admin')
        commands='reset'
        options='--tree --help -h'
        ;;
    ' admin reset')
        options='--output -o --yes -y --format --json --help'
        asks='--format'
        ;;
    ' execution')
        commands='run'
        options='--tree --help -h'
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

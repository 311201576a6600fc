"""Completion scripts for bash, zsh and fish.

Commands, options, states and other fixed words are in the scripts, so that completing them starts
nothing. For other values (ids, names) a script asks `jf`, in the way of Typer's own scripts: the
line so far in the environment, one candidate a line in the answer. Nothing that comes back is
evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jfr_cli.generate.tree import Command

_BASH = r"""# bash completion for jf. Made by `make generate` from the commands; do not edit.
# Put it into ~/.local/share/bash-completion/completions/jf, or source it.

# What may follow the words of a command: commands, options, and whether jf knows an argument;
# `asks` are options whose value jf knows, `takes` those with another value, and `choices` are
# options and, behind a bar, the words that their value is one of.
_jf_facts() {
    commands='' options='' asks='' takes='' argument='' choices=()
    case $1 in
@FACTS@
    *) return 1 ;;
    esac
}

_jf() {
    local line=${COMP_LINE:0:COMP_POINT} program=$1 cur word trail='' option='' i
    local commands options asks takes argument entry choices=() words candidates=()
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
            [[ " $asks $takes ${choices[*]} " == *" $word "* ]] && option=$word
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
    for entry in "${choices[@]}"; do
        [[ -n $option && " ${entry%%|*} " == *" $option "* ]] || continue
        candidates=(${entry#*|})
        # As jf takes them: in small letters, too.
        [[ $cur == *[a-z]* && " ${candidates[*]}" != *" $cur"* ]] && candidates=(${candidates[*],,})
    done
    if [[ -n $option && ${#candidates[@]} -gt 0 ]]; then
        :
    elif [[ -n $option && " $asks " == *" $option "* ]] ||
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
"""

_ZSH = r"""#compdef jf
# zsh completion for jf. Made by `make generate` from the commands; do not edit.
# Put it as _jf into a directory of $fpath, before compinit.

# What may follow the words of a command: commands, options, and whether jf knows an argument;
# `asks` are options whose value jf knows, `takes` those with another value, and `choices` are
# options and, behind a bar, the words that their value is one of.
_jf_facts() {
    subcommands=() flags=() asks=() takes=() argument= choices=()
    case $1 in
@FACTS@
    (*) return 1 ;;
    esac
}

_jf() {
    local word trail= option= argument answer
    local -a subcommands flags asks takes choices found
    local -i i
    _jf_facts ''
    for ((i = 2; i < CURRENT; i++)); do
        word=$words[i]
        if [[ -n $option ]]; then
            option=
        elif [[ $word == -* ]]; then
            [[ " $asks $takes $choices " == *" $word "* ]] && option=$word
        elif (( $#subcommands )); then
            trail+=" $word"
            _jf_facts "$trail" || return 1
        fi
    done
    local line="${(j: :)words[1,CURRENT-1]} $PREFIX"
    if [[ -z $option && $PREFIX == --*=* ]]; then
        option=${PREFIX%%=*}
        compset -P '*='
    elif [[ -z $option && $PREFIX == -* ]]; then
        _describe -o option flags
        return
    elif [[ -z $option ]] && (( $#subcommands )); then
        _describe -t commands command subcommands
        return
    fi
    for word in $choices; do
        [[ -n $option && " ${word%%|*} " == *" $option "* ]] || continue
        found=(${=word#*|})
        # As jf takes them: in small letters, too.
        [[ $PREFIX == *[a-z]* && " $found" != *" $PREFIX"* ]] && found=(${(L)found})
        _describe -V -t values value found
        return
    done
    if [[ -n $option ]] && (( ! $asks[(Ie)$option] )) || [[ -z $option && -z $argument ]]; then
        _files
        return
    fi
    answer=$(env _JF_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
        _TYPER_COMPLETE_ARGS="$line" $words[1] 2>/dev/null)
    for word in ${(f)answer}; do
        found+=("${${word%%$'\t'*}//:/\\:}${${(M)word%%$'\t'*}:+:${word#*$'\t'}}")
    done
    (( $#found )) && _describe -V -t values value found
}

if [[ $funcstack[1] == _jf ]]; then
    _jf "$@"
else
    compdef _jf jf
fi
"""

_FISH = r"""# fish completion for jf. Made by `make generate` from the commands; do not edit.
# Put it into ~/.config/fish/completions/jf.fish

# What may follow the words of a command: commands, options, and whether jf knows an argument;
# asks are options whose value jf knows, takes those with another value, and choices are options
# and, behind a bar, the words that their value is one of.
function __jf_facts
    set -g __jf_commands
    set -g __jf_options
    set -g __jf_asks
    set -g __jf_takes
    set -g __jf_argument
    set -g __jf_choices
    switch "$argv[1]"
@FACTS@
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
            string match -q -- "* $word *" " $__jf_asks $__jf_takes $__jf_choices "
            and set option $word
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
    for entry in $__jf_choices
        set -l parts (string split -m 1 '|' -- $entry)
        if test -n "$option"; and contains -- $option (string split ' ' -- $parts[1])
            printf "$kept%s\n" (string split ' ' -- $parts[2])
            return
        end
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
"""


def completion_scripts(root: Command) -> dict[str, str]:
    """Write the scripts of all shells.

    Returns
    -------
    dict
        {file name: text}, with the names under which shells look for them.
    """
    return {
        "jf.bash": _filled(_BASH, root, _bash_facts),
        "_jf": _filled(_ZSH, root, _zsh_facts),
        "jf.fish": _filled(_FISH, root, _fish_facts),
    }


def _filled(template: str, root: Command, facts: Callable[[Command], Iterator[str]]) -> str:
    lines = (line for command in root.walk() for line in facts(command))
    return template.replace("@FACTS@", "\n".join(lines))


def _trail(command: Command) -> str:
    return "".join(f" {word}" for word in command.words)


def _commands(command: Command) -> list[tuple[str, str]]:
    return [(c.words[-1], c.summary) for c in command.commands if not c.hidden]


def _options(command: Command) -> list[tuple[str, str]]:
    return [(name, option.text) for option in command.options for name in option.names]


def _with_value(command: Command, *, known: bool) -> list[str]:
    """Options with a value that `jf` knows, or does not know; hidden ones take theirs too."""
    wanted = [
        p
        for p in command.parameters
        if p.is_option and p.value and p.completes is known and not p.words
    ]
    return [name for option in wanted for name in option.names]


def _choices(command: Command) -> list[str]:
    """Options and, behind a bar, the words that their value is one of."""
    return [
        f"{' '.join(p.names)} |{' '.join(p.words)}"
        for p in command.parameters
        if p.is_option and p.words
    ]


def _knows_argument(command: Command) -> bool:
    return any(argument.completes for argument in command.arguments)


def _bash_facts(command: Command) -> Iterator[str]:
    yield f"    '{_trail(command)}')"
    for name, words in (
        ("commands", [word for word, _ in _commands(command)]),
        ("options", [word for word, _ in _options(command)]),
        ("asks", _with_value(command, known=True)),
        ("takes", _with_value(command, known=False)),
    ):
        if words:
            yield f"        {name}='{' '.join(words)}'"
    yield from _in_array("choices", _choices(command))
    if _knows_argument(command):
        yield "        argument=1"
    yield "        ;;"


def _in_array(name: str, entries: list[str]) -> Iterator[str]:
    """Yield the lines of an array, as bash and zsh write it."""
    if entries:
        yield f"        {name}=("
        yield from (f"            {_quoted(entry)}" for entry in entries)
        yield "        )"


def _zsh_facts(command: Command) -> Iterator[str]:
    yield f"    ('{_trail(command)}')"
    # Not `commands` and `options`: these are zsh's own.
    for name, pairs in (("subcommands", _commands(command)), ("flags", _options(command))):
        yield from _in_array(name, [f"{word}:{text}" for word, text in pairs])
    yield from _in_array("choices", _choices(command))
    for name, known in (("asks", True), ("takes", False)):
        if words := _with_value(command, known=known):
            yield f"        {name}=({' '.join(words)})"
    if _knows_argument(command):
        yield "        argument=1"
    yield "        ;;"


def _fish_facts(command: Command) -> Iterator[str]:
    yield f"        case '{_trail(command)}'"
    for name, pairs in (("commands", _commands(command)), ("options", _options(command))):
        if pairs:
            yield f"            set __jf_{name} \\"
            lines = [f"{word}\\t{_fish_quoted(text)}" for word, text in pairs]
            yield " \\\n".join(f"                {line}" for line in lines)
    for name, known in (("asks", True), ("takes", False)):
        if words := _with_value(command, known=known):
            yield f"            set __jf_{name} {' '.join(words)}"
    if choices := _choices(command):
        yield f"            set __jf_choices {' '.join(map(_fish_quoted, choices))}"
    if _knows_argument(command):
        yield "            set __jf_argument 1"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

"""Completion scripts for bash, zsh and fish.

Commands, options, states and other fixed words are in the scripts, so that completing them starts
nothing. For other values (ids, names) a script asks `jf`, which answers from
`jfr_cli.completion_values.answer`: the question is in the environment; the answer has one candidate
per line and is never evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jfr_cli.generate.tree import Command, Parameter

_FACTS = """
# What may follow the words of a command: commands and options; in `asks` what has a value that jf
# knows, with the kind of it; in `takes` options with another value; in `choices` what has one of
# a few words, and these behind a bar. <1> is the first argument, <n> each one that has no number.
"""

_BASH = (
    r"""# bash completion for jf. Made by `make generate` from the commands; do not edit.
# Put it into ~/.local/share/bash-completion/completions/jf, or source it.
"""
    + _FACTS
    + r"""_jf_facts() {
    commands='' options='' asks='' takes='' choices=()
    case $1 in
@FACTS@
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
"""
)

_ZSH = (
    r"""#compdef jf
# zsh completion for jf. Made by `make generate` from the commands; do not edit.
# Put it as _jf into a directory of $fpath, before compinit.
"""
    + _FACTS
    + r"""_jf_facts() {
    subcommands=() flags=() asks= takes= choices=()
    case $1 in
@FACTS@
    (*) return 1 ;;
    esac
}

_jf() {
    local word entry trail= option= project= kind= asks takes answer
    local -a subcommands flags choices found
    local -i i position=1
    _jf_facts ''
    for ((i = 2; i < CURRENT; i++)); do
        word=$words[i]
        if [[ -n $option ]]; then
            [[ -z $trail && $option == (-p|--project) ]] && project=${(Q)word}
            option=
        elif [[ -z $trail && $word == --project=* ]]; then
            project=${(Q)word#*=}
        elif [[ $word == -* ]]; then
            [[ " $asks " == *" $word="* || " $takes $choices " == *" $word "* ]] && option=$word
        elif (( $#subcommands )); then
            trail+=" $word"
            _jf_facts "$trail" || return 1
        else
            (( position++ ))
        fi
    done
    if [[ -z $option && $PREFIX == --*=* ]]; then
        option=${PREFIX%%=*}
        compset -P '*='
    elif [[ -z $option && $PREFIX == -* ]]; then
        _describe -o option flags
        return
    elif [[ -z $option ]] && (( $#subcommands )); then
        _describe -t commands command subcommands
        return
    elif [[ -z $option ]]; then
        option="<$position>"
        [[ " $asks $choices " == *" $option"[\ =]* ]] || option='<n>'
    fi
    for entry in $choices; do
        [[ " ${entry%%|*}" == *" $option "* ]] || continue
        found=(${=entry#*|})
        # As jf takes them: in small letters, too.
        [[ $PREFIX == *[a-z]* && " $found" != *" $PREFIX"* ]] && found=(${(L)found})
        _describe -V -t values value found
        return
    done
    for entry in ${=asks}; do
        [[ $entry == "$option="* ]] && kind=${entry#*=}
    done
    if [[ -z $kind ]]; then
        _files
        return
    fi
    answer=$(env _JF_OFFER=$kind _JF_PROJECT="$project" _JF_WORD="${(Q)PREFIX}" \
        $words[1] 2>/dev/null)
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
)

_FISH = (
    r"""# fish completion for jf. Made by `make generate` from the commands; do not edit.
# Put it into ~/.config/fish/completions/jf.fish
"""
    + _FACTS
    + r"""function __jf_facts
    set -g __jf_commands
    set -g __jf_options
    set -g __jf_asks
    set -g __jf_takes
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
"""
)


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


def _named(command: Command) -> Iterator[tuple[Parameter, list[str]]]:
    """Yield what has a value, with its names: those of an option, <1> or <n> of an argument."""
    for parameter in command.parameters:
        if parameter.is_option and parameter.value:
            yield parameter, list(parameter.names)
    for number, argument in enumerate(command.arguments, 1):
        yield argument, ["<n>" if argument.repeatable else f"<{number}>"]


def _asks(command: Command) -> list[str]:
    return [f"{name}={p.kind}" for p, names in _named(command) if p.kind for name in names]


def _takes(command: Command) -> list[str]:
    return [
        name
        for p, names in _named(command)
        if p.is_option and not p.kind and not p.words and not p.value.startswith("[")
        for name in names
    ]


def _choices(command: Command) -> list[str]:
    return [f"{' '.join(names)} |{' '.join(p.words)}" for p, names in _named(command) if p.words]


def _bash_facts(command: Command) -> Iterator[str]:
    yield f"    '{_trail(command)}')"
    for name, words in (
        ("commands", [word for word, _ in _commands(command)]),
        ("options", [word for word, _ in _options(command)]),
        ("asks", _asks(command)),
        ("takes", _takes(command)),
    ):
        if words:
            yield f"        {name}='{' '.join(words)}'"
    yield from _in_array("choices", _choices(command))
    yield "        ;;"


def _zsh_facts(command: Command) -> Iterator[str]:
    yield f"    ('{_trail(command)}')"
    # Not `commands` and `options`: these are zsh's own.
    for name, pairs in (("subcommands", _commands(command)), ("flags", _options(command))):
        yield from _in_array(name, [f"{word}:{text}" for word, text in pairs])
    for name, words in (("asks", _asks(command)), ("takes", _takes(command))):
        if words:
            yield f"        {name}='{' '.join(words)}'"
    yield from _in_array("choices", _choices(command))
    yield "        ;;"


def _in_array(name: str, entries: list[str]) -> Iterator[str]:
    """Yield the lines of an array, as bash and zsh write it."""
    if entries:
        yield f"        {name}=("
        yield from (f"            {_quoted(entry)}" for entry in entries)
        yield "        )"


def _fish_facts(command: Command) -> Iterator[str]:
    yield f"        case '{_trail(command)}'"
    for name, pairs in (("commands", _commands(command)), ("options", _options(command))):
        if pairs:
            yield f"            set __jf_{name} \\"
            lines = [f"{word}\\t{_fish_quoted(text)}" for word, text in pairs]
            yield " \\\n".join(f"                {line}" for line in lines)
    for name, words in (
        ("asks", _asks(command)),
        ("takes", _takes(command)),
        ("choices", _choices(command)),
    ):
        if words:
            yield f"            set __jf_{name} {' '.join(map(_fish_quoted, words))}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

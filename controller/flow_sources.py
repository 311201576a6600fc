"""Where flows to submit come from: a function, an object or a file of serialised jobs.

A target is one of::

    my_package.flows:relax      a function, a Maker, a Flow or a Job of a module
    flows.py:relax              the same, of a file; the worker imports the module ``flows``
    flow.json, -                serialised jobs (Flow, Job or a list) of a file or standard input

What is serialised is not decoded: its functions need not be importable here.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from controller.config.suggestions import no_such
from controller.errors import ArgumentError, NotFoundError, SubmissionError

STDIN = "-"
_FORMS = "for example my_package.flows:relax, flows.py:relax, flow.json or -"
_OF_A_FILE = (".py", ".json")


@dataclass(frozen=True)
class Target:
    """A parsed target.

    Attributes
    ----------
    text
        The target as given.
    module
        Name of the module, None for a file.
    path
        A Python file or one of serialised jobs; None for a module and for standard input.
    name
        Name of the object in the module or Python file, possibly dotted; "" for serialised jobs.
    """

    text: str
    module: str | None
    path: Path | None
    name: str

    @property
    def is_serialised(self) -> bool:
        """Whether it is serialised data rather than Python."""
        return not self.name


@dataclass(frozen=True)
class Arguments:
    """Arguments of a function.

    Attributes
    ----------
    positional, named
        Their values, as read from JSON.
    """

    positional: tuple[Any, ...]
    named: Mapping[str, Any]

    def __bool__(self) -> bool:
        return bool(self.positional or self.named)


def read_target(text: str) -> Target:
    """Parse a target. Looks at the file system only to suggest a missing name.

    Raises
    ------
    ArgumentError
        It has none of the forms.
    """
    if text == STDIN or text.endswith(".json"):
        return Target(text, None, None if text == STDIN else Path(text).expanduser(), "")
    source, colon, name = text.rpartition(":")
    if colon and source.endswith(".json"):
        raise ArgumentError(
            f"{text!r}: a file of serialised jobs has no names", hint=f"give {source}"
        )
    if not colon:
        source, name = text, ""
    if not name:
        raise ArgumentError(
            f"{text!r} does not say what to submit",
            hint=_names_in(Path(source).expanduser()) or _FORMS,
        )
    if not all(part.isidentifier() for part in name.split(".")):
        raise ArgumentError(f"{name!r} cannot be the name of a function", hint=_FORMS)
    if source.endswith(_OF_A_FILE) or "/" in source:
        return Target(text, None, Path(source).expanduser(), name)
    if not all(part.isidentifier() for part in source.split(".")):
        raise ArgumentError(f"{source!r} cannot be the name of a module", hint=_FORMS)
    return Target(text, source, None, name)


def _names_in(path: Path) -> str | None:
    """Return a hint with what a Python file defines; None if it cannot be read."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    names = list(_top_level(tree))
    return f"add a name: {', '.join(f'{path}:{name}' for name in names[:5])}" if names else None


def _top_level(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (t.id for t in node.targets if isinstance(t, ast.Name) and t.id.islower())


def read_arguments(words: Sequence[str]) -> Arguments:
    """Read ``key=value`` words and JSON.

    A value is JSON if it can be read as such, else text; ``key='"1"'`` is the text 1. A word
    that begins with a brace is an object with several arguments, one that begins with a bracket
    contains positional ones; another JSON value, such as a number, is one positional argument.

    Raises
    ------
    ArgumentError
        A word has neither form, or an argument is given twice.
    """
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for word in words:
        for key, value in _read_word(word, positional):
            if key in named:
                raise ArgumentError(f"the argument {key} is given twice")
            named[key] = value
    return Arguments(tuple(positional), named)


def _read_word(word: str, positional: list[Any]) -> Iterator[tuple[str, Any]]:
    if word.lstrip()[:1] in ("{", "["):
        try:
            found = json.loads(word)
        except ValueError as error:
            raise ArgumentError(f"{word!r} is not JSON: {error}") from None
        if isinstance(found, list):
            positional += found
        else:
            yield from found.items()
        return
    key, equals, value = word.partition("=")
    if not equals or not key.isidentifier():
        try:
            positional.append(json.loads(word))
        except ValueError:
            raise ArgumentError(
                f"{word!r} is neither key=value nor JSON",
                hint="""for example element=Cu strain=0.02, or values without names: 3 '"Cu"'""",
            ) from None
        return
    try:
        yield key, json.loads(value)
    except ValueError:
        yield key, value


def load_target(target: Target, arguments: Arguments, stdin: Callable[[], str]) -> Any:
    """Return the Flow, Job or list of jobs of a target, or its serialised form.

    Runs the user's code, whose output goes to standard error.

    Parameters
    ----------
    stdin
        Reads standard input.

    Raises
    ------
    NotFoundError
        There is no such module, file or name.
    ArgumentError
        The arguments do not fit.
    SubmissionError
        The user's code failed, or the data cannot be read.
    """
    if target.is_serialised:
        if arguments:
            raise ArgumentError("serialised jobs take no arguments")
        return _read_data(target, stdin)
    with _code_of_the_user(target.text):
        found = _named_in(_imported(target), target)
        return _made(found, target, arguments)


def local_module(target: Target) -> str | None:
    """Return the name of a module that was found only because of the working directory.

    Returns
    -------
    str or None
        None if a worker is likely to have it: for installed packages, and for serialised jobs.
    """
    if target.is_serialised:
        return None
    if target.path is not None:
        return _place_of(target.path)[1]
    assert target.module is not None
    return None if _is_found(target.module.partition(".")[0]) else target.module


def _is_found(package: str) -> bool:
    """Whether a package would be found without the folder that `_imported` adds."""
    before = list(sys.path)
    sys.path[:] = [folder for folder in before if folder != _here()]
    try:
        return any(finder.find_spec(package, None) for finder in sys.meta_path)
    finally:
        sys.path[:] = before


def _here() -> str:
    """Return the working directory, spelled differently from any other entry of the path."""
    return str(Path.cwd()) + os.sep


def _read_data(target: Target, stdin: Callable[[], str]) -> Any:
    where = "standard input" if target.path is None else str(target.path)
    try:
        text = stdin() if target.path is None else target.path.read_text("utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {where}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SubmissionError(f"cannot read {where}: {error}") from error
    try:
        return json.loads(text)
    except ValueError as error:
        if not text.strip():
            raise SubmissionError(f"{where} is empty", hint="it must be a flow as JSON") from None
        raise SubmissionError(f"{where} is not JSON: {error}", hint=_HOW_TO_WRITE) from error


_HOW_TO_WRITE = "write it in Python with json.dump(flow, file, cls=monty.json.MontyEncoder)"


def _imported(target: Target) -> ModuleType:
    """Import the module of a target as the worker will: by its name."""
    if target.path is None:
        assert target.module is not None
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.append(_here())  # last: a worker imports what is installed
        try:
            return importlib.import_module(target.module)
        except ModuleNotFoundError as error:
            if error.name and (target.module + ".").startswith(error.name + "."):
                raise NotFoundError(
                    f"there is no module {error.name}",
                    hint="install it, set PYTHONPATH, or name a file, as in flows.py:relax",
                ) from error
            raise
    if not target.path.is_file():
        raise NotFoundError(f"there is no file {target.path}")
    root, name = _place_of(target.path)
    sys.path.insert(0, str(root))
    known = sys.modules.get(name) or (name in sys.stdlib_module_names)
    if known and Path(str(getattr(known, "__file__", ""))) != target.path.resolve():
        raise SubmissionError(
            f"{target.path} cannot be imported: {name} is another module", hint="rename the file"
        )
    return importlib.import_module(name) if "." in name else _from_file(target.path, name)


def _from_file(path: Path, name: str) -> ModuleType:
    """Import a file outside any package, whatever other module has its name."""
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise SubmissionError(f"{path} is not a Python file", hint=_FORMS)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _place_of(path: Path) -> tuple[Path, str]:
    """Return the folder that must be on the path, and the name of the module of a file."""
    folder, parts = path.resolve().parent, [path.stem]
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(parts)


def _named_in(module: ModuleType, target: Target) -> Any:
    found: Any = module
    for part in target.name.split("."):
        if not hasattr(found, part):
            names = _own_names(module) if found is module else []
            raise NotFoundError(
                f"{target.text}: there is no {part!r}",
                hint=no_such(part, names) if names else None,
            )
        found = getattr(found, part)
    return found


def _own_names(module: ModuleType) -> list[str]:
    """Names of the objects that a module defines, without those it imports."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    ]


def _made(found: Any, target: Target, arguments: Arguments) -> Any:
    """Call the object if necessary, and return the result if it can be submitted."""
    from jobflow.core.maker import Maker

    if isinstance(found, type) and issubclass(found, Maker):
        own, arguments = _split(found, arguments)
        found = _called(found, target, own)
    if isinstance(found, Maker):
        made = _called(found.make, target, arguments)
    elif not _is_submittable(found) and callable(found):
        made = _called(found, target, arguments)
    elif arguments:
        raise ArgumentError(f"{target.text} is a {type(found).__name__}: it takes no arguments")
    else:
        made = found
    if not _is_submittable(made):
        what = "is" if made is found else "returns"
        raise SubmissionError(
            f"{target.text} {what} {_described(made)}, not a Flow, a Job or a list of jobs"
        )
    return made


def _described(value: Any) -> str:
    return "None" if value is None else f"an object of the class {type(value).__name__}"


def _is_submittable(value: Any) -> bool:
    from jobflow.core.flow import Flow
    from jobflow.core.job import Job

    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(one, (Flow, Job)) for one in value)
    return isinstance(value, (Flow, Job))


def _split(maker: type[Any], arguments: Arguments) -> tuple[Arguments, Arguments]:
    """Divide arguments between a Maker's fields and its ``make``, which comes first."""
    own = {f.name for f in fields(maker)} if is_dataclass(maker) else set()
    own -= set(inspect.signature(maker.make).parameters)
    named = arguments.named
    return (
        Arguments((), {k: v for k, v in named.items() if k in own}),
        Arguments(arguments.positional, {k: v for k, v in named.items() if k not in own}),
    )


def _called(function: Callable[..., Any], target: Target, arguments: Arguments) -> Any:
    try:
        signature = inspect.signature(function)
        signature.bind(*arguments.positional, **arguments.named)
    except TypeError as error:
        raise ArgumentError(
            f"{target.text}: {error}", hint=f"its arguments are {signature}"
        ) from None
    except ValueError:  # a function written in C has no signature
        pass
    named = {key: _decoded(value) for key, value in arguments.named.items()}
    return function(*map(_decoded, arguments.positional), **named)


def _decoded(value: Any) -> Any:
    """Decode serialised objects, such as a structure."""
    if not isinstance(value, (dict, list)):
        return value
    from monty.json import MontyDecoder

    return MontyDecoder().process_decoded(value)


@contextmanager
def _code_of_the_user(text: str) -> Iterator[None]:
    """Turn an exception of the user's code into a one-line error; its cause has the traceback."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (ArgumentError, NotFoundError, SubmissionError):
        raise
    except SystemExit as end:
        raise SubmissionError(
            f"{text} ends the program instead of returning a flow (exit {end.code})",
            hint='what a script does belongs under `if __name__ == "__main__":`',
        ) from end
    except Exception as error:  # any exception of the user's code
        raise SubmissionError(
            f"{text} failed: {_one_line(error)}{_place(error)}",
            hint="run `jf --full-exc flow submit ...` for the traceback",
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join("".join(traceback.format_exception_only(error)[-1:]).split())


def _place(error: Exception) -> str:
    """Return where in the user's code an error came from."""
    if isinstance(error, SyntaxError):
        return f" ({error.filename}, line {error.lineno})"
    ours = str(Path(__file__).parent)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((ours, "<frozen"))
        and "site-packages" not in frame.filename
        and not frame.filename.startswith(str(Path(inspect.__file__).parent))
    ]
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""

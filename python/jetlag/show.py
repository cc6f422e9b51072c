"""`python -m jetlag.show physl|tree|plan FILE.py[:FUNCTION]`: the forms of a function, as text."""

from __future__ import annotations

import argparse
import importlib.util
import os.path
import sys
import traceback
from collections.abc import Sequence
from types import FunctionType, ModuleType

from jetlag.function import JitFunction, jit
from jetlag.reports import NotLowered

_NO_INPUT, _FAILED = 2, 1  # exit codes


class Refused(Exception):
    """What cannot be shown, with the reason and a hint."""

    def __init__(self, why: str, hint: str = "", code: int = _NO_INPUT) -> None:
        super().__init__(why)
        self.hint = hint
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was asked for; the exit code."""
    asked = _parser().parse_args(arguments)
    file, _, function = asked.target.partition(".py:")
    file = f"{file}.py" if function else asked.target
    try:
        for found in _functions(_load(file), file, function):
            print(_text(found, asked.form, asked.format).rstrip("\n"))
    except Refused as refused:
        print(f"jetlag show: {refused}", file=sys.stderr)
        if refused.hint:
            print(f"    hint: {refused.hint}", file=sys.stderr)
        return refused.code
    except NotLowered as error:
        print(error, file=sys.stderr)
        return _FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jetlag show", description="Show a function's forms.")
    parser.add_argument("form", choices=["physl", "tree", "plan"], help="which form")
    parser.add_argument("target", metavar="FILE.py[:FUNCTION]", help="which function")
    parser.add_argument(
        "--format", choices=["text", "dot", "newick"], default="text", help="of a tree"
    )
    return parser


def _load(file: str) -> ModuleType:
    """The file as a module under its own name, so that what it does as a script is not done."""
    if not os.path.isfile(file):
        raise Refused(f"no file {file}")
    name = os.path.splitext(os.path.basename(file))[0]
    spec = importlib.util.spec_from_file_location(name, os.path.abspath(file))
    if spec is None or spec.loader is None:
        raise Refused(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, os.path.dirname(os.path.abspath(file)))
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise Refused(f"{file}:{error.lineno}:{error.offset}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{last.filename}:{last.lineno}"
        why = f"{where}: {type(error).__name__}: {error}"
        raise Refused(why, f"{file} is imported to be shown, and raised this", _FAILED) from None
    return module


def _functions(module: ModuleType, file: str, name: str) -> list[JitFunction]:
    """The function of that name, or all that are marked jl.jit."""
    if not name:
        marked = [value for value in vars(module).values() if isinstance(value, JitFunction)]
        if not marked:
            raise Refused(f"no function of {file} is marked jl.jit", f"name one: {file}:FUNCTION")
        return list(dict.fromkeys(marked))
    value: object = module
    for part in name.split("."):
        value = getattr(value, part, None)
    if isinstance(value, FunctionType):
        value = jit(value)
    if not isinstance(value, JitFunction):
        there = [
            key for key, v in vars(module).items() if isinstance(v, FunctionType | JitFunction)
        ]
        hint = f"functions there: {', '.join(there)}" if there else "the file defines no function"
        raise Refused(f"no function {name} in {file}", hint)
    return [value]


def _text(function: JitFunction, form: str, style: str) -> str:
    if form == "tree":
        return function.tree(style)
    return function.plan() if form == "plan" else function.physl()


if __name__ == "__main__":
    sys.exit(main())

"""Programs in their NumPy form, compiled ahead of time by Pythran into build/bench, once."""

import ast
import hashlib
import importlib.util
import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from programs.row import Arguments, Program

BUILT = Path(__file__).parents[1] / "build/bench/pythran"
FLAGS = ("-O3", "-march=native", "-DUSE_XSIMD")


def type_of(argument: object) -> str:
    """An argument's type in Pythran's words.

    >>> type_of(np.zeros((2, 3))), type_of(7)
    ('float64[:,:]', 'int')
    """
    if isinstance(argument, np.ndarray):
        return f"{argument.dtype}[{','.join(':' * argument.ndim)}]"
    return type(argument).__name__


def source(program: Program, arguments: Arguments) -> str:
    """A module with the program and the functions of its module that it calls."""
    signature = f"#pythran export {program.__name__}({', '.join(map(type_of, arguments))})"
    called = needed(program)
    texts = [inspect.getsource(function) for function in called]
    return "\n".join([signature, "import numpy as np", *texts])


def needed(program: Program) -> list[Program]:
    """The functions of a program's module that it leads to, itself last."""
    module = sys.modules[program.__module__]
    tree = ast.parse(inspect.getsource(program))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names -= {program.__name__}
    others = [
        value for name in sorted(names) if inspect.isfunction(value := vars(module).get(name))
    ]
    return [*(f for other in others for f in needed(other)), program]


def compiled(program: Program, arguments: Arguments) -> Program:
    """The program as machine code; compiled if this text was never compiled before."""
    text = source(program, arguments)
    digest = hashlib.sha256((text + " ".join(FLAGS)).encode()).hexdigest()[:12]
    folder = BUILT / f"{program.__name__}-{digest}"
    library = folder / f"{program.__name__}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{program.__name__}.py"
        path.write_text(text)
        build(path, library)
    return getattr(load(program.__name__, library), program.__name__)


def build(path: Path, library: Path) -> None:
    """Compile a module; the library appears only once it is whole."""
    # The name of the output is that of the module, so an unfinished one has a folder of its own.
    unfinished = path.parent / f"unfinished-{os.getpid()}" / library.name
    unfinished.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pythran.run", *FLAGS, path.name, "-o", str(unfinished)]
    ran = subprocess.run(command, cwd=path.parent, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(f"pythran: {ran.stderr.strip().splitlines()[-1]}")
    unfinished.rename(library)
    unfinished.parent.rmdir()


def load(name: str, path: Path):  # noqa: ANN201
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

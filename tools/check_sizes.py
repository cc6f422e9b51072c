"""Print which files and functions are larger than docs/design.md (section 11) wants them to be.

Medians and 95 % are aims, and are only printed; a file above 800 lines or a function above 100
makes the exit code 1.
"""

import ast
import re
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("src", "python", "tests", "examples", "benchmarks", "tools")
SUFFIXES = {".cpp", ".h", ".inc", ".py"}


@dataclass(frozen=True)
class Sized:
    """A file or a function, and how many lines it has."""

    place: str
    lines: int


@dataclass(frozen=True)
class Limits:
    """What most (the median), nearly all (95 %) and all may have."""

    median: int
    most: int
    every: int


FILES = Limits(median=150, most=500, every=800)
FUNCTIONS = Limits(median=10, most=60, every=100)

# What may stand before the brace of a scope that holds functions instead of being one.
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum)\b[^()=]*$|\bextern\s*$")
NOT_CODE = re.compile(
    r'R"\((?s:.*?)\)"|//[^\n]*|/\*(?s:.*?)\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
)


def python_functions(text: str, name: str) -> Iterator[Sized]:
    """Every def, without its decorators."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield Sized(f"{name}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1)


def cpp_functions(text: str, name: str) -> Iterator[Sized]:
    """Every braced body outside of functions that follows a parameter list, nested scopes aside."""
    # Comments and literals keep only their line breaks, so that lines still count.
    code = NOT_CODE.sub(lambda match: "\n" * match[0].count("\n"), text)
    code = re.sub(r"^[ \t]*#.*$", "", code, flags=re.MULTILINE)
    starts: list[tuple[str, int]] = []  # one for each open brace: its head, where the head begins
    head_begin = 0
    for match in re.finditer(r"[{};]", code):
        if match[0] == "{":
            head = code[head_begin : match.start()]
            starts.append((head.strip(), head_begin + len(head) - len(head.lstrip())))
        elif match[0] == "}" and starts:
            head, begin = starts.pop()
            outer = all(SCOPE.search(other) for other, _ in starts)
            if outer and is_function(head):
                first = code.count("\n", 0, begin) + 1
                lines = code.count("\n", begin, match.start()) + 1
                yield Sized(f"{name}:{first} {called(head)}", lines)
        head_begin = match.end()


def is_function(head: str) -> bool:
    """Whether the text before a brace is that of a function.

    >>> is_function("int size(const T& t) const"), is_function("constexpr Row rows[] =")
    (True, False)
    """
    return "(" in head and not SCOPE.search(head) and not re.search(r"[\])\w]\s*=\s*$", head)


def called(head: str) -> str:
    """The name of the function whose head this is.

    >>> called("template <class T>\\nint Array::size(const T& t) const")
    'Array::size'
    """
    names = re.findall(r"([~\w:]+(?:operator\W+)?)\s*\(", head)
    return names[0] if names else head[:40]


def source_files(root: Path) -> list[Path]:
    """The sources in the folders that hold code; what was built lies elsewhere."""
    files = (file for folder in FOLDERS for file in (root / folder).rglob("*"))
    return sorted(file for file in files if file.suffix in SUFFIXES)


def measure(root: Path) -> tuple[list[Sized], list[Sized]]:
    """All source files, and all functions in them."""
    files, functions = [], []
    for file in source_files(root):
        text, name = file.read_text(encoding="utf-8"), file.relative_to(root).as_posix()
        files.append(Sized(name, len(text.splitlines())))
        functions += (python_functions if file.suffix == ".py" else cpp_functions)(text, name)
    return files, functions


def report(what: str, sized: list[Sized], limits: Limits) -> list[Sized]:
    """Print how the sizes stand to their limits; return those above the last one."""
    lines = sorted(item.lines for item in sized) or [0]
    most = lines[min(len(lines) - 1, int(0.95 * len(lines)))]
    print(
        f"{what}: {len(sized)}, median {statistics.median(lines):.0f} lines (aim {limits.median}), "
        f"95 % within {most} (aim {limits.most}), longest {lines[-1]} (limit {limits.every})"
    )
    for item in sorted(sized, key=lambda item: -item.lines):
        if item.lines > limits.most:
            print(f"  {item.lines:5}  {item.place}")
    return [item for item in sized if item.lines > limits.every]


def main() -> int:
    files, functions = measure(ROOT)
    too_large = [*report("files", files, FILES), *report("functions", functions, FUNCTIONS)]
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main())

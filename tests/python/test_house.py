"""The house around the code keeps its own rules: layers, sizes, lists that must agree, the docs."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import jetlag as jl

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import check_layers  # noqa: E402
import check_sizes  # noqa: E402
import requirements  # noqa: E402

# Layers

MAP = """
function(room name)
endfunction()
room(base)
room(array  base)        # arrays (and views)
room(runtime/tasks
     base)
"""


def tree(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in {"src/CMakeLists.txt": MAP, **files}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_every_include_of_this_repository_fits_the_map() -> None:
    assert list(check_layers.breaches(ROOT)) == []


def test_the_map_is_read_with_its_comments_and_line_breaks() -> None:
    assert check_layers.rooms(MAP) == {
        "base": {"base"},
        "array": {"array", "base"},
        "runtime/tasks": {"runtime/tasks", "base"},
    }


def test_a_room_may_include_itself_and_what_its_line_names(tmp_path: Path) -> None:
    text = '#include "array/a.h"\n#include "base/b.h"\n#include <vector>\n'
    root = tree(tmp_path, {"src/array/a.cpp": text})

    assert list(check_layers.breaches(root)) == []


def test_an_include_that_the_map_does_not_name_is_a_breach(tmp_path: Path) -> None:
    root = tree(tmp_path, {"src/base/b.cpp": '\n#include "array/a.h"\n'})

    expected = "src/base/b.cpp:2: array/a.h: its room in src/CMakeLists.txt names no array"
    assert list(check_layers.breaches(root)) == [expected]


@pytest.mark.parametrize(
    ("header", "home", "elsewhere"),
    [
        ("<oneapi/tbb/task_arena.h>", "src/runtime/tasks/t.cpp", "src/array/a.cpp"),
        ("<cblas.h>", "src/primitives/blas.cpp", "src/primitives/linalg.cpp"),
        ("<lapacke.h>", "src/primitives/blas.cpp", "src/array/a.cpp"),
        ("<nlopt.h>", "src/runtime/tune/nlopt.cpp", "src/runtime/tune/session.cpp"),
        ("<httplib.h>", "src/server/http/server.cpp", "src/server/routes/trace.cpp"),
        ("<CLI/CLI.hpp>", "src/cli/main.cpp", "src/base/b.cpp"),
        ("<Python.h>", "python/binding/p.cpp", "src/cli/main.cpp"),
        ("<nanobind/nanobind.h>", "python/binding/p.h", "src/base/b.h"),
        ("<numpy/arrayobject.h>", "python/binding/p.cpp", "src/array/a.cpp"),
        ("<fmt/format.h>", "src/base/text.h", "src/array/a.cpp"),
        ("<nlohmann/json.hpp>", "src/cli/main.cpp", "src/cli/main.h"),
    ],
)
def test_a_confined_header_has_one_home(
    header: str, home: str, elsewhere: str, tmp_path: Path
) -> None:
    root = tree(tmp_path, {home: f"#include {header}\n", elsewhere: f"#include {header}\n"})

    places = [breach.split(": ")[0] for breach in check_layers.breaches(root)]

    assert places == [f"{elsewhere}:1"]


# Sizes

CPP = """
#include "a.h"
namespace jetlag { // }
struct Shape {
  int rank() const { return 1; }
};
constexpr int table[] = {
    1,
    2,
};
const char* text = "void f() {";

template <class T>
int Shape::size(const T& t) const {
  auto twice = [](int n) {
    return 2 * n;
  };
  return twice(t);
}
}
"""


def test_functions_of_cpp_are_found_with_their_lines() -> None:
    found = list(check_sizes.cpp_functions(CPP, "a.cpp"))

    assert found == [
        check_sizes.Sized("a.cpp:5 rank", 1),
        check_sizes.Sized("a.cpp:13 Shape::size", 7),
    ]


def test_functions_of_python_are_found_with_their_lines() -> None:
    text = "@cache\ndef f(\n    a,\n):\n    return a\n\n\nclass C:\n    async def g(self): ...\n"

    found = list(check_sizes.python_functions(text, "a.py"))

    assert found == [check_sizes.Sized("a.py:2 f", 4), check_sizes.Sized("a.py:9 g", 1)]


def test_no_file_or_function_is_above_the_last_limit() -> None:
    files, functions = check_sizes.measure(ROOT)

    assert [file for file in files if file.lines > check_sizes.FILES.every] == []
    assert [item for item in functions if item.lines > check_sizes.FUNCTIONS.every] == []


# Lists that must agree


def test_the_head_of_the_makefile_lists_every_command() -> None:
    text = (ROOT / "Makefile").read_text()
    head = text.partition("\n\n.DEFAULT_GOAL")[0]
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)", text, re.MULTILINE)
    assert phony is not None

    commands = set(phony[1].replace("\\", "").split()) - {"packages", "packages-check", "modules"}

    assert [name for name in sorted(commands) if not re.search(rf"\b{name}\b", head)] == ["help"]


def test_every_dependency_has_its_reason_in_the_docs() -> None:
    docs = (ROOT / "docs/dependencies.md").read_text()
    lines = (ROOT / "tools/apt-packages.txt").read_text().splitlines()
    apt = [line.split()[0] for line in lines if line and not line.startswith("#")]
    pyproject = ROOT / "pyproject.toml"
    named = [*requirements.requirements(pyproject), *requirements.of_group(pyproject, "bench")]
    pip = [re.split(r"[<>=!~\[ ]", name)[0] for name in named]
    package = json.loads((ROOT / "web/package.json").read_text())
    npm = [*package["dependencies"], *package["devDependencies"]]

    assert [name for name in [*apt, *pip, *npm] if f"`{name}`" not in docs] == []


def test_the_list_of_packages_is_a_head_and_then_rows_of_known_groups() -> None:
    text = (ROOT / "tools/apt-packages.txt").read_text()
    rows = [line.split(maxsplit=2) for line in text.partition("\n\n")[2].splitlines()]

    groups = {"build", "check", "bench", "web", "jobs"}
    assert [row for row in rows if len(row) < 3 or not set(row[1].split(",")) <= groups] == []
    named = {row[0] for row in rows}
    assert {"libsqlite3-dev", "libssl-dev", "nodejs", "chromium", "slurmctld"} <= named


def test_the_peers_of_the_benchmarks_are_installed_by_nothing_else() -> None:
    pyproject = ROOT / "pyproject.toml"
    peers = requirements.of_group(pyproject, "bench")

    assert not set(peers) & set(requirements.requirements(pyproject))


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def test_every_link_of_the_docs_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("docs/**/*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose(page))
        if not (page.parent / target).exists()
    ]

    assert broken == []


def test_the_readme_has_at_most_600_words() -> None:
    assert len(prose(ROOT / "README.md").split()) <= 600


def test_every_top_folder_says_what_lives_in_it() -> None:
    folders = ["src", "python", "tests", "benchmarks", "examples", "docs", "tools", "web"]

    assert [name for name in folders if not (ROOT / name / "README.md").is_file()] == []


# Examples in the docs

# These show forms of code, not programs; the listings of design.md are not promises yet.
FORMS = {"docs/design.md", "docs/style.md", "docs/semantics.md", "docs/lowering.md"}


def pages_with_programs() -> list[str]:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    names = [page.relative_to(ROOT).as_posix() for page in pages if "```python" in page.read_text()]
    return sorted(set(names) - FORMS)


@pytest.mark.parametrize("page", pages_with_programs())
def test_the_programs_of_a_page_run(
    page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    # What they find and compile is not the user's.
    monkeypatch.setattr(jl.settings, "cache_dir", str(tmp_path))
    names: dict[str, Any] = {"__name__": "page"}
    for number, program in enumerate(programs(ROOT / page), 1):
        # The decorator reads the source of a function, so the program is a file's.
        exec(compile_as_file(program, f"<{page} {number}>"), names)


def programs(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def compile_as_file(program: str, name: str) -> Any:
    import linecache

    linecache.cache[name] = (len(program), None, program.splitlines(keepends=True), name)
    return compile(program, name, "exec")


@pytest.mark.parametrize(
    "script", ["setup.sh", "build.sh", "web.sh", "sanitize.sh", "fuzz.sh", "jobs.sh"]
)
def test_a_script_of_the_tools_has_no_syntax_error(script: str) -> None:
    ran = subprocess.run(["bash", "-n", ROOT / "tools" / script], capture_output=True, text=True)

    assert (ran.returncode, ran.stderr) == (0, "")

"""Hold every #include to the map of rooms in src/CMakeLists.txt, and libraries to their owners."""

import re
from collections.abc import Iterator
from pathlib import Path

CONFINED = {  # an outside header: the only files that may include it
    r"tbb/|oneapi/": r"src/runtime/tasks/",
    r"cblas|lapack": r"src/primitives/blas\.cpp",
    r"nlopt": r"src/runtime/tune/nlopt\.cpp",
    r"sqlite3": r"src/base/sql/",
    r"openssl/": r"src/base/crypto/",
    r"CLI/": r"src/cli/",
    r"llvm/": r"src/compiler/jit/llvm/",
    r"Python\.h|nanobind/|numpy/": r"python/binding/",
    r"zlib\.h": r"src/trace/chunk/|src/server/http/packing\.cpp|src/server/routes/export\.cpp",
    r"httplib": r"src/server/http/",
    r"otf2/": r"src/trace/formats/otf2",
    r"fmt/": r"src/base/text\.",
    r"nlohmann/": r".*\.cpp|src/server/routes/(answers|api|columns)\.h",
}


def rooms(cmake: str) -> dict[str, set[str]]:
    """Each room, and the rooms whose headers it may include: its own and those its line names."""
    calls = re.findall(r"^room\((.*?)\)", re.sub("#.*", "", cmake), re.MULTILINE | re.DOTALL)
    return {call.split()[0]: set(call.split()) for call in calls}


def breaches(root: Path) -> Iterator[str]:
    """Each #include that breaks a rule. cli and python/binding are no rooms: they may use all."""
    allowed = rooms((root / "src/CMakeLists.txt").read_text())
    for file in sorted([*root.glob("src/**/*.*"), *root.glob("python/binding/*.*")]):
        name = file.relative_to(root).as_posix()
        may_use = allowed.get(name.removeprefix("src/").rpartition("/")[0], set(allowed))
        for number, line in enumerate(file.read_text().splitlines(), 1):
            header = (re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)', line) or [""])[0]
            if (room := header.rpartition("/")[0]) in allowed and room not in may_use:
                yield f"{name}:{number}: {header}: its room in src/CMakeLists.txt names no {room}"
            for outside, owner in CONFINED.items():
                if re.match(outside, header) and not re.match(owner, name):
                    yield f"{name}:{number}: {header}: only {owner} may include it"


if __name__ == "__main__":
    raise SystemExit("\n".join(breaches(Path(__file__).parent.parent)) or 0)

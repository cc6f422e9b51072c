"""Print what pip must install to develop jetlag, a line each: what pyproject.toml names.

python tools/requirements.py          to build, test and check
python tools/requirements.py bench    only a group that one command wants: bench, notebooks
"""

import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
LATER = ("bench", "notebooks")  # groups that are large, and wanted by one command only


def requirements(pyproject: Path) -> list[str]:
    """Build requirements, dependencies, extras and dependency groups but those of LATER."""
    tables = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    project = tables["project"]
    named = [*tables["build-system"]["requires"], *project["dependencies"]]
    for extra in project.get("optional-dependencies", {}).values():
        named += extra
    for name, group in tables.get("dependency-groups", {}).items():
        named += group if name not in LATER else []
    return sorted(set(named))


def of_group(pyproject: Path, name: str) -> list[str]:
    """What one dependency group names."""
    tables = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    return sorted(tables["dependency-groups"][name])


if __name__ == "__main__":
    groups = sys.argv[1:]
    lines = [line for group in groups for line in of_group(PYPROJECT, group)]
    print("\n".join(lines if groups else requirements(PYPROJECT)))

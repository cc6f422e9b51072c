"""Print what pip must install to develop jetlag: all that pyproject.toml names, a line each."""

import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


def requirements(pyproject: Path) -> list[str]:
    """Build requirements, dependencies, extras and dependency groups, each once."""
    tables = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    project = tables["project"]
    named = [*tables["build-system"]["requires"], *project["dependencies"]]
    for extra in project.get("optional-dependencies", {}).values():
        named += extra
    for group in tables.get("dependency-groups", {}).values():
        named += group
    return sorted(set(named))


if __name__ == "__main__":
    print("\n".join(requirements(PYPROJECT)))

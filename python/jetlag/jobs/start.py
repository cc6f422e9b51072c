"""The first thing a function job runs on another machine: it finds jetlag and what is needed.

Only the standard library may be used: this file travels alone. jetlag is unpacked once for each
version; where packages are missing, an environment with them is made once and kept by its contents.
"""

import contextlib
import hashlib
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import time
import traceback
import zipfile
from importlib import metadata
from pathlib import Path

LONGEST_INSTALL = 1800


def main() -> int:
    folder = Path.cwd()
    root = folder.parents[2]  # ROOT/jobs/ID-ATTEMPT/files
    needs = json.loads((folder / "needs.json").read_text())
    try:
        if sys.hexversion < 0x030B0000:
            raise RuntimeError(
                f"{sys.executable} of {here()} is Python {sys.version.split()[0]}, and jetlag "
                "needs 3.11"
            )
        library = unpack(folder / "jetlag.zip", root / "lib", needs["jetlag"])
        missing = missing_packages(needs["packages"])
        if missing and not os.environ.get("JETLAG_ENVIRONMENT"):
            python = environment(root / "envs", needs["packages"], missing)
            os.environ["JETLAG_ENVIRONMENT"] = "1"
            os.execv(python, [python, "start.py"])
    except Exception as error:
        tell(folder, error)
        return 1
    sys.path.insert(0, str(library))
    os.environ["PYTHONPATH"] = str(library)
    try:
        importlib.import_module("jetlag._call")
        importlib.import_module("jetlag._core")
    except ImportError as error:
        print(
            f"jetlag: the engine cannot be loaded here ({error}): functions run in plain Python",
            file=sys.stderr,
        )
        for name in [name for name in sys.modules if name.partition(".")[0] == "jetlag"]:
            del sys.modules[name]
        os.environ["JETLAG_WITHOUT_ENGINE"] = "1"
    from jetlag import runner

    return runner.run_here(folder)


def here() -> str:
    image = os.environ.get("JETLAG_IMAGE", "")
    return f"the image {image}" if image else "this machine"


def unpack(archive: Path, library: Path, digest: str) -> Path:
    """The folder with this version of jetlag; many jobs may ask for it at the same time."""
    place = library / digest
    if not place.exists():
        part = library / f"{digest}.{os.uname().nodename}.{os.getpid()}"
        with zipfile.ZipFile(archive) as file:
            file.extractall(part)
        try:
            part.rename(place)
        except OSError:
            if not place.exists():
                raise
    return place


def missing_packages(packages: dict[str, str]) -> dict[str, str]:
    """Those that this Python has not; NumPy must be of the major version that is meant."""
    missing = {}
    for name, version in packages.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing[name] = version
            continue
        if name == "numpy" and found.split(".")[0] != version.split(".")[0]:
            missing[name] = version
    return missing


def environment(envs: Path, packages: dict[str, str], missing: dict[str, str]) -> str:
    """A Python with the packages: made once, for all jobs that need the same."""
    named = " ".join(f"{name}=={version}" for name, version in sorted(missing.items()))
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise ModuleNotFoundError(
            f"{here()} lacks {named}, and its Python has no venv to install them into"
        )
    text = f"{here()} {sys.executable} {sys.version} {sorted(missing.items())}"
    place = envs / hashlib.sha256(text.encode()).hexdigest()[:16]
    python = str(place / "bin/python")
    lock = envs / f"{place.name}.lock"
    envs.mkdir(parents=True, exist_ok=True)
    while not (place / "ready").exists():
        try:
            lock.mkdir()
        except FileExistsError:
            # Another job is at it; one that died there leaves the lock, and its time runs out.
            with contextlib.suppress(FileNotFoundError):
                if time.time() - lock.stat().st_mtime > LONGEST_INSTALL:
                    lock.rmdir()
            time.sleep(1)
            continue
        try:
            print(f"jetlag: installing {named}, once, into {place}", file=sys.stderr)
            command(sys.executable, "-m", "venv", "--clear", "--system-site-packages", str(place))
            see_through(place)
            command(python, "-m", "pip", "install", "--quiet", *named.split())
            (place / "ready").touch()
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
            why = said[-1] if said else str(error)
            raise ModuleNotFoundError(
                f"{here()} lacks {named}, and they could not be installed: {why}"
            ) from None
        finally:
            lock.rmdir()
    return python


def see_through(place: Path) -> None:
    """Let it find what this Python has, which may be an environment itself."""
    if sys.prefix != sys.base_prefix:
        site = sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)})
        Path(site, "jetlag-parent.pth").write_text(sysconfig.get_path("purelib") + "\n")


def command(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, text=True, timeout=LONGEST_INSTALL)


def tell(folder: Path, error: Exception) -> None:
    """Leave what went wrong as the runner would."""
    text = "".join(traceback.format_exception_only(error))
    print(text, file=sys.stderr)
    told = {
        "class": f"{type(error).__module__}.{type(error).__qualname__}",
        "args": [str(error)],
        "message": str(error),
        "notes": [],
        "traceback": text,
        "frames": [],
    }
    (folder / "error.json").write_text(json.dumps(told))


if __name__ == "__main__":
    sys.exit(main())

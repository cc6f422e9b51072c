"""Images for tests, made of Debian's packages: without a registry, once, and kept outside of the tree.

Each is a folder, as Charliecloud takes it, and an image of podman's by the same name. They are made
anew when what goes into them changes. What cannot be made or started is an error with its reason.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from inside import MARK

RELEASE = "bookworm"
# What jetlag's engine is linked with, so that it can be loaded inside.
LIBRARIES = ["libfmt9", "libnlopt0", "libopen-trace-format2-10", "libtbb12", "zlib1g"]
BLAS = ["libopenblas0-pthread"]


def cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "jetlag-tests"


def do(*argv: str | Path, **more: object) -> str:
    """Run a program; its last words are the error."""
    try:
        done = subprocess.run(
            [str(word) for word in argv], capture_output=True, text=True, timeout=900, **more
        )
    except FileNotFoundError:
        raise RuntimeError(f"{argv[0]} is not installed; `make test-jobs` installs it") from None
    if done.returncode:
        raise RuntimeError(f"{argv[0]} {argv[1]} failed: {(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


class Images:
    """`full` has Python, NumPy and what the engine needs; `plain` only Python; `bare` no Python."""

    names = ("full", "plain", "bare")

    def __init__(self) -> None:
        what = f"{RELEASE} {LIBRARIES} {BLAS} numpy {np.__version__} {Path(__file__).read_text()}"
        self.folder = cache() / hashlib.sha256(what.encode()).hexdigest()[:16]
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name in self.names:
                if not (self.folder / f"{name}.ready").exists():
                    self._make(name)

    def path(self, name: str) -> str:
        """The image as a folder."""
        return str(self.folder / name)

    def squashed(self, name: str) -> str:
        """The image as a file that Charliecloud mounts."""
        path = self.folder / f"{name}.sqfs"
        if not path.exists():
            part = self.folder / f"{name}.part.{os.getpid()}"
            do("mksquashfs", self.folder / name, part, "-comp", "lz4", "-noappend", "-quiet")
            part.rename(path)
        return str(path)

    def _make(self, name: str) -> None:
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        if name == "full":
            packages = ",".join(["python3", *LIBRARIES, *BLAS])
            do("mmdebstrap", "--variant=minbase", f"--include={packages}", RELEASE, place)
            packages_inside = place / "usr/local/lib/python3.11/dist-packages"
            do(sys.executable, "-m", "pip", "install", "--quiet", "--target", packages_inside,
               "--python-version", "3.11", "--only-binary=:all:",
               f"numpy=={np.__version__}")  # fmt: skip
        else:
            do("cp", "-al", self.folder / "full", place)
            shutil.rmtree(place / "usr/local/lib/python3.11/dist-packages")
            if name == "bare":
                for file in (place / "usr/bin").glob("python3*"):
                    file.unlink()
        mark = place / MARK.lstrip("/")
        mark.unlink(missing_ok=True)
        mark.write_text(name)
        (self.folder / f"{name}.ready").touch()


class Podman:
    """podman as this user can run it: with runc, a storage of its own, and limits that fit.

    Its storage is kept beside the images, and its settings are found by the environment.
    """

    def __init__(self, images: Images) -> None:
        self.folder = images.folder
        etc = self.folder / "etc"
        etc.mkdir(exist_ok=True)
        (etc / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\nrunroot = "{self.folder}/run"\n'
            f'graphroot = "{self.folder}/store"\n'
        )
        # crun refuses machines that have both kinds of control groups, and limits above those that
        # hold here cannot be set.
        (etc / "containers.conf").write_text(
            '[containers]\ndefault_ulimits = ["nofile=1024:20000", "nproc=20000:20000"]\n'
            '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n'
        )
        self.environment = {
            "CONTAINERS_STORAGE_CONF": str(etc / "storage.conf"),
            "CONTAINERS_CONF": str(etc / "containers.conf"),
        }
        os.environ.update(self.environment)
        with open(self.folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name in images.names:
                self._import(name)

    def _import(self, name: str) -> None:
        exists = ["podman", "image", "exists", self.image(name)]
        try:
            if subprocess.run(exists, capture_output=True).returncode == 0:
                return
        except FileNotFoundError:
            raise RuntimeError("podman is not installed; `make test-jobs` installs it") from None
        tar = self.folder / "image.tar"
        do("tar", "-C", self.folder / name, "-cf", tar, ".")
        do("podman", "import", tar, self.image(name))
        tar.unlink()

    def image(self, name: str) -> str:
        return f"localhost/jetlag-{name}:1"

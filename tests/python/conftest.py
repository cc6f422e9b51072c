"""What all Python tests share."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import jetlag as jl

pytest.register_assert_rewrite("same")

# The jobs of whoever runs the tests are not theirs.
os.environ["JETLAG_JOBS_DIR"] = tempfile.mkdtemp(prefix="jetlag-tests-")
atexit.register(shutil.rmtree, os.environ["JETLAG_JOBS_DIR"], ignore_errors=True)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where tuned settings are kept, in a cache folder of the test's own."""
    before = jl.settings.cache_dir
    jl.settings.cache_dir = tmp_path
    yield tmp_path / "tuned"
    jl.settings.cache_dir = before


@pytest.fixture(params=["off", "auto", "always"])
def jit_mode(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each way in which machine code may come in."""
    before = jl.settings.jit
    jl.settings.jit = request.param
    yield
    jl.settings.jit = before


@pytest.fixture(autouse=True)
def _workers() -> Iterator[None]:
    """However many workers a test asks for, the next one has those of the machine."""
    before = jl.threads()
    yield
    jl.threads(before)

"""Files of values: what goes in comes out, and nothing in them can run."""

import datetime
import hashlib
import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jetlag.jobs import values
from jetlag.jobs.digest import Digest, copy
from jetlag.jobs.values import CannotSend, DamagedFile

SETTINGS = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def there_and_back(value: Any, folder: Path) -> Any:
    values.write(value, folder / "v")
    return values.read(folder / "v")


def same(a: Any, b: Any) -> bool:
    """Equal in value and type, NaN to NaN, arrays by their bytes."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        a, b = np.asarray(a), np.asarray(b)
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a), list(b)) and same(list(a.values()), list(b.values()))
    return a == b


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
)
ARRAYS = hnp.arrays(
    hnp.scalar_dtypes() | hnp.array_dtypes(), hnp.array_shapes(min_dims=0, min_side=0, max_side=4)
)
TREES = st.recursive(
    PLAIN | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers()), inner, max_size=4)
    ),
    max_leaves=10,
)


@SETTINGS
@given(value=TREES)
def test_what_goes_in_comes_out(value: Any, tmp_path: Path) -> None:
    assert same(there_and_back(value, tmp_path), value)


@pytest.mark.parametrize(
    "value",
    [
        {1, 2, 3},
        frozenset("ab"),
        slice(1, None, 2),
        range(2, 10, 3),
        ...,
        bytearray(b"ab"),
        Path("a/b"),
        np.float32(1.5),
        np.datetime64("2020-01-01", "D"),
        np.dtype([("a", "<i4"), ("b", "f8", (2,))]),
        np.array(["é∑", ""], dtype="U3"),
        -0.0,
        2**200,
        "\ud800 alone",
        [[], (), {}],
    ],
)
def test_kinds_that_are_rare_keep_their_type(value: Any, tmp_path: Path) -> None:
    back = there_and_back(value, tmp_path)

    assert type(back) is type(value)
    assert same(back, value)


def test_layout_and_sharing_of_arrays_are_kept(tmp_path: Path) -> None:
    x = np.asfortranarray(np.arange(12.0).reshape(3, 4))

    a, b, c = there_and_back([x, x, x[::2]], tmp_path)

    assert a.flags.f_contiguous
    assert a is b
    assert a.flags.writeable
    np.testing.assert_array_equal(c, x[::2])


def test_a_table_comes_back_as_a_table(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [1, 2], "b": ["x", None]}, index=[5, 6])

    pandas.testing.assert_frame_equal(there_and_back(table, tmp_path), table)


class Odd:
    pass


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": [0, Odd()]}, r"the value\['a'\]\[1\] is of type .*Odd, which cannot be sent"),
        (np.array([Odd()]), "the value is an array of Python objects"),
        (np.ma.array([1, 2]), "MaskedArray"),
        ({"f": len}, r"the value\['f'\] is of type builtin_function_or_method"),
    ],
)
def test_what_is_no_data_is_named(value: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(CannotSend, match=said):
        values.write(value, tmp_path / "v")


def test_a_list_that_contains_itself_is_refused(tmp_path: Path) -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(CannotSend, match="contains itself"):
        values.write(value, tmp_path / "v")


def test_pickled_parts_are_read_only_by_whom_asks_for_them(tmp_path: Path) -> None:
    _, pickled = values.write([1, Odd()], tmp_path / "v", pickle=True)

    assert "Odd" in pickled[0]
    with pytest.raises(DamagedFile, match="say pickle=True"):
        values.read(tmp_path / "v")
    assert isinstance(values.read(tmp_path / "v", pickle=True)[1], Odd)


@SETTINGS
@given(at=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_is_told_or_only_other_numbers(
    at: int, byte: int, cut: bool, tmp_path: Path
) -> None:
    values.write({"x": np.arange(5.0), "y": [1, "a"]}, tmp_path / "v")
    data = bytearray((tmp_path / "v").read_bytes())
    at %= len(data)
    data[at] = byte
    (tmp_path / "v").write_bytes(data[:at] if cut else data)

    try:
        value = values.read(tmp_path / "v")
    except DamagedFile:
        return
    # Bytes of arrays are held against the digest of the whole file where it travels.
    assert value["y"] == [1, "a"]
    assert value["x"].shape == (5,)


def digest_by_definition(data: bytes) -> str:
    pieces = [data[at : at + (4 << 20)] for at in range(0, len(data), 4 << 20)]
    leaves = [hashlib.sha256(b"\0" + piece).digest() for piece in pieces]
    return hashlib.sha256(b"\1" + b"".join(leaves)).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 1000, 524_000, 524_288, 3_000_000])
def test_the_digest_is_that_of_the_file(size: int, tmp_path: Path) -> None:
    digest, _ = values.write(np.random.default_rng(0).random(size), tmp_path / "v")

    assert digest == digest_by_definition((tmp_path / "v").read_bytes())


@given(st.lists(st.integers(0, 9 << 20), max_size=4))
@settings(max_examples=20, deadline=None)
def test_a_digest_does_not_depend_on_how_the_bytes_come(sizes: list[int]) -> None:
    data = np.random.default_rng(0).bytes(sum(sizes))
    digest, at = Digest(), 0
    for size in sizes:
        digest.update(data[at : at + size])
        at += size

    assert digest.hexdigest() == digest_by_definition(data)
    assert copy(io.BytesIO(data), target := io.BytesIO()) == digest_by_definition(data)
    assert target.getvalue() == data


def test_a_file_that_names_a_class_makes_nothing_of_it(tmp_path: Path) -> None:
    values.write(1, tmp_path / "v")
    data = (tmp_path / "v").read_bytes()
    evil = pickle.dumps(datetime.date(2020, 1, 1))
    (tmp_path / "v").write_bytes(data[:16] + evil)

    with pytest.raises(DamagedFile):
        values.read(tmp_path / "v")

"""Complex numbers in loops that are machine code: Python's own, bit for bit, and NumPy's."""

from __future__ import annotations

import itertools
import struct
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jetlag as jl
from same import same_as_numpy

SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, 1e308, -1e200, 2.0**53 + 1]
PARTS = st.one_of(st.sampled_from(SPECIAL), st.floats(width=64), st.floats(-4, 4))
COMPLEX = st.builds(complex, PARTS, PARTS)
REAL = st.one_of(st.integers(-(2**62), 2**62), PARTS, st.booleans())


@pytest.fixture(params=["off", "always"])
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(jl.settings, "jit", request.param)
    return request.param


def bits(value: Any) -> Any:
    """A value by its type and bits; all NaNs are one, as Python's own have any sign."""
    if isinstance(value, tuple):
        return tuple(bits(item) for item in value)
    if isinstance(value, complex | float):
        parts = (value.real, value.imag) if isinstance(value, complex) else (value,)
        return type(value), *("nan" if p != p else struct.pack("d", p) for p in parts)
    return type(value), value


def outcome(function: Any, *args: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jl.OpaqueWarning)
        try:
            return bits(function(*args))
        except ArithmeticError as error:
            return type(error), str(error)


def plus(a, b):
    for _ in range(1):
        r = a + b
    return r


def minus(a, b):
    for _ in range(1):
        r = a - b
    return r


def times(a, b):
    for _ in range(1):
        r = a * b
    return r


def divided(a, b):
    for _ in range(1):
        r = a / b
    return r


def compared(a, b):
    for _ in range(1):
        r = (a == b) * 4 + (a != b) * 2 + bool(a)
    return r


def square(a, b):
    for _ in range(1):
        r = (a + b) ** 2
    return r


def fifth(a, b):
    for _ in range(1):
        r = (a + b) ** 5
    return r


def size(a, b):
    for _ in range(1):
        r = abs(a + b)
    return r


def parts(a, b):
    for _ in range(1):
        z = complex(a.real, b.imag)
        r = -z + (+z) * complex(z.imag)
        x = r.real
    return r, x


BINARY = [plus, minus, times, divided, compared, square, fifth, size, parts]


@pytest.mark.parametrize("function", BINARY)
def test_pythons_complex_numbers_bit_for_bit(
    function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = jl.jit(function)
    monkeypatch.setattr(jl.settings, "jit", "always")

    @settings(max_examples=150, deadline=None)
    @given(COMPLEX, COMPLEX)
    def agree(a: complex, b: complex) -> None:
        assert outcome(compiled, a, b) == outcome(function, a, b)

    agree()
    assert "compiled-loop" in str(jl.explain(compiled, 1 + 2j, 0.5j))


@pytest.mark.parametrize("function", [plus, minus, times, divided, compared])
def test_complex_numbers_with_real_ones_bit_for_bit(
    function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = jl.jit(function)
    monkeypatch.setattr(jl.settings, "jit", "always")

    @settings(max_examples=200, deadline=None)
    @given(COMPLEX, REAL)
    def agree(a: complex, b: float) -> None:
        assert outcome(compiled, a, b) == outcome(function, a, b)
        assert outcome(compiled, b, a) == outcome(function, b, a)

    agree()


@pytest.mark.parametrize("function", [plus, minus, times, divided, compared])
def test_kinds_of_numbers_beside_complex_ones(function: Any, mode: str) -> None:
    numbers = [True, 3, 0.75, 1.5 - 2j, np.float64(0.5), np.int64(3), np.bool_(True)]
    numbers += [np.float32(0.25), np.complex128(1 + 0.25j), np.complex64(0.5j)]

    for a, b in itertools.product(numbers, numbers):
        if isinstance(a, complex | np.complexfloating) or isinstance(b, complex):
            assert outcome(jl.jit(function), a, b) == outcome(function, a, b), (a, b)


@pytest.mark.usefixtures("mode")
def test_mandelbrot_by_pythons_complex_numbers() -> None:
    def counts(width, height, most):
        n = np.zeros((height, width), dtype=np.int64)
        for i in range(height):
            for j in range(width):
                c = complex(-2.25 + 3.0 * j / width, -1.25 + 2.5 * i / height)
                z = 0j
                k = 0
                while k < most and abs(z) < 2.0:
                    z = z * z + c
                    k += 1
                n[i, j] = k
        return n

    same_as_numpy(counts, 23, 17, 60)


def escape(c, most):
    z = c
    for n in range(most):
        if abs(z) > 2:
            return n
        z = z * z + c
    return most


def step(z):
    return z - (z**3 - 1) / (3 * z**2)


def test_functions_of_complex_numbers_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def counts(x, y, n, roots):
        for i in range(len(y)):
            for j in range(len(x)):
                c = complex(x[j], y[i])
                n[i, j] = escape(c, 40)
                for _ in range(6):
                    c = step(c)
                roots[i, j] = c
        return n, roots

    x, y = np.linspace(-2, 1, 13), np.linspace(-1.1, 1.2, 9)
    args = x, y, np.zeros((9, 13), np.int64), np.zeros((9, 13), complex)
    monkeypatch.setattr(jl.settings, "jit", "always")
    same_as_numpy(counts, *args)
    assert "compiled-loop" in str(jl.explain(jl.jit(counts), *args))


@pytest.mark.usefixtures("mode")
def test_mandelbrot_on_numpys_elements() -> None:
    def counted(points, n, most):
        for i in range(points.shape[0]):
            z = points[i]
            n[i] = most
            for k in range(most):
                if abs(z) > 2:
                    n[i] = k
                    break
                z = z**2 + points[i]
        return n

    points = np.linspace(-2, 1, 40) + 0.3j
    same_as_numpy(counted, points, np.zeros(40, np.int64), 50)
    same_as_numpy(counted, points[::-2], np.zeros(40, np.int64), 50)


@pytest.mark.usefixtures("mode")
def test_parts_of_real_numbers() -> None:
    def work(a, n, x):
        z = 0
        for i in range(n):
            a[i] = z.real * 2 + z.imag + i.imag + (x.imag - x.real) * 0.5 + a[i].imag
            z = z * z + 0.25j if i % 2 else x
        return z

    for x in (3, 1.5, np.float64(0.5), np.int64(2), 0.5 - 1j):
        same_as_numpy(work, np.arange(7.0), 7, x)


@pytest.mark.usefixtures("mode")
def test_elements_of_complex_arrays() -> None:
    def work(a, b, out):
        for i in range(len(a)):
            out[i] = a[i] * b[i] - a[i] / (b[i] + 3) + b[i].real
            out[i] += 1j
            out[-i - 1] *= a[i].imag
            b[i] = i
            a[i] = -a[i]
            if a[i] == out[i] or not a[i]:
                a[i] = np.conj(out[i]) - abs(i - 2)
        return out

    random = np.random.default_rng(0)
    a = np.round(random.normal(size=9) + 1j * random.normal(size=9), 1)
    b = np.arange(9.0) - 0.5j
    same_as_numpy(work, a, b, np.zeros(9, complex), rtol=1e-15)
    same_as_numpy(work, a[::-1], b, np.zeros(18, complex)[::2], rtol=1e-15)


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("odd", [0, 1e308, 1e200j, complex(np.inf, 1)])
def test_conditions_of_numpys_complex_numbers(odd: complex) -> None:
    def work(a, b):
        for i in range(len(a)):
            b[i] = a[i] * a[i]
            b[i] = b[i] + a[i]
            b[i] -= 1 / a[i]
        return b

    a = np.linspace(1, 2, 7) * (1 + 1j)
    a[4] = odd
    same_as_numpy(work, a, np.zeros(7, complex), rtol=1e-14)


@pytest.mark.usefixtures("mode")
def test_errors_of_complex_numbers_come_at_their_operation() -> None:
    def divide(z, a):
        for i in range(5):
            a[i] = i
            z = z / (i - 3)
        return z

    def huge(z, a):
        for i in range(5):
            a[i] = abs(z)
            z = z + (5e307 + 5e307j)
        return z

    def power(z, a):
        for i in range(8):
            a[i] = i
            z = z**2
        return z

    def ordered(z, a):
        for i in range(5):
            a[i] = i
            if z < 3:
                break
        return z

    for function in (divide, huge, power, ordered):
        same_as_numpy(function, 3e20 + 0j, np.zeros(8))


def test_a_complex_number_survives_an_exit_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(z, w, n):
        for i in range(n):
            z, w = w * 0.5, z + i
            if i == 4:
                n = n + 2**62 + 2**62 - 2**63
            z = z - 1j * n
        return z, w

    monkeypatch.setattr(jl.settings, "jit", "always")
    same_as_numpy(work, 1 + 2j, 0.25j, 9)


def test_numpys_complex_numbers_have_the_bits_of_the_interpreter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work(a, b, out, sizes):
        for i in range(len(a)):
            z, w = a[i], b[i]
            out[i, 0] = z * w
            out[i, 1] = z / w
            out[i, 2] = z**2 - w**3
            out[i, 3] = -z + np.conj(w) * 1j
            out[i, 4] = np.square(z) - 2 * z + w.real
            out[i, 5] = (z == w) + (z != z)
            sizes[i] = abs(z)
        return out, sizes

    random = np.random.default_rng(5)
    values = [complex(x, y) for x in SPECIAL for y in SPECIAL]
    values += list(random.normal(size=200) + 1j * random.normal(size=200) ** 9)
    a = np.array(values)
    b = random.permutation(a)
    results = []
    for mode in ("off", "always"):
        monkeypatch.setattr(jl.settings, "jit", mode)
        with np.errstate(all="ignore"):
            results.append(jl.jit(work)(a, b, np.zeros((len(a), 6), complex), np.zeros(len(a))))
    for off, always in zip(*results, strict=True):
        np.testing.assert_array_equal(off.view(float), always.view(float))
        here = ~np.isnan(off.view(float))  # which sign a NaN has, nobody says
        signs = [np.signbit(x.view(float)[here]) for x in (off, always)]
        np.testing.assert_array_equal(*signs)


def test_numpys_complex_numbers_are_compared_without_a_word() -> None:
    def count(a, x):
        found = 0
        for i in range(len(a)):
            found += (a[i] > x) + (x <= a[i])
        return found

    a = np.array([complex(np.nan, 1), complex(0, np.nan), 2, 5j])
    for x in (3, 0.5, 1j, np.complex128(complex(np.nan, 0)), np.float64(np.nan)):
        same_as_numpy(count, a, x)
    with np.errstate(invalid="raise"):
        same_as_numpy(count, a, 3)
        same_as_numpy(count, a.astype(np.complex64), 3)


@pytest.mark.parametrize("mode", ["off", "always"])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_numpys_complex_numbers_are_ordered_by_one_part(
    dtype, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compare(a, b, out):
        for i in range(len(a)):
            for j in range(len(b)):
                x, y = a[i], b[j]
                out[i, j] = (x < y) + 2 * (x <= y) + 4 * (x > y) + 8 * (x >= y)
        return a[0] < 3, a[1] >= 3.0, out

    monkeypatch.setattr(jl.settings, "jit", mode)
    parts = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0]
    a = np.array([complex(x, y) for x in parts for y in parts], dtype)
    same_as_numpy(compare, a, a, np.zeros((len(a), len(a)), int))
    same_as_numpy(compare, a, a.real, np.zeros((len(a), len(a)), int))


@pytest.mark.parametrize("mode", ["off", "always"])
def test_a_complex_number_of_numpys_that_becomes_a_float(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(a, x, y):
        for i in range(len(a)):
            for _ in range(i - 1):
                x = a[i] / y
            for j in range(len(a)):
                a[j] += x.imag
        return x

    monkeypatch.setattr(jl.settings, "jit", mode)
    same_as_numpy(work, np.array([100.0, 127, -200, 262, 2]), np.complex128(1 + 2j), 10)

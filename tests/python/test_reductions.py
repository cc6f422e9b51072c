"""Rule fused-reduction: what only a reduction reads is computed where it is reduced.

The results have the bits of the two steps one after another, with any number of workers, by
interpreter and by machine code; and the elements are never in memory.
"""

from __future__ import annotations

import gc
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import jetlag as jl
from jetlag.engine import core
from same import same_as_numpy

RULE = "fused-reduction"
DTYPES = ("float64", "float32", "int64", "int16", "uint8", "bool", "complex128", "complex64")
SHAPES = ((100_001,), (5, 9000), (9000, 5), (2, 20_000), (4, 3, 2000), (30, 3, 1, 70))
REDUCTIONS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("sum", lambda a, b, axis: np.sum(a * b, axis=axis)),
    ("wide sum", lambda a, b, axis: np.sum(a + b, axis=axis, dtype=np.complex128)),
    ("prod", lambda a, b, axis: (a + b).prod(axis=axis, keepdims=True)),
    ("mean", lambda a, b, axis: np.mean(a + b, axis=axis)),
    ("max", lambda a, b, axis: np.max(a * b + a, axis=axis)),
    ("min", lambda a, b, axis: (a * b).min(axis=axis, keepdims=True)),
    ("any", lambda a, b, axis: np.any(a == b, axis=axis)),
    ("all", lambda a, b, axis: np.all(a + b, axis=axis)),
    ("count_nonzero", lambda a, b, axis: np.count_nonzero(a * b, axis=axis)),
    ("argmin", lambda a, b, axis: np.argmin(a * b, axis=axis)),
    ("argmax", lambda a, b, axis: (a + b).argmax(axis=axis)),
)


@pytest.fixture(autouse=True)
def settings() -> Iterator[None]:
    rules, jit, workers = jl.settings.rules, jl.settings.jit, jl.threads()
    yield
    jl.settings.rules, jl.settings.jit = rules, jit
    jl.threads(workers)


def drawn(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    if dtype == "bool":
        return random.random(shape) > 0.5
    if "int" in dtype:
        return random.integers(0, 100, shape).astype(dtype)
    if "complex" in dtype:
        return (random.random(shape) - 0.5 + 1j * random.random(shape)).astype(dtype)
    return (random.random(shape) - 0.5).astype(dtype)


def rows_of(function: Callable[..., Any], *args: Any) -> list[dict[str, Any]]:
    return list(jl.explain(jl.jit(function), *args).to_dict()["steps"])


def shaped_by_rule(function: Callable[..., Any], *args: Any) -> bool:
    return any(RULE in row["rules"] for row in rows_of(function, *args))


def refusals(function: Callable[..., Any], *args: Any) -> list[str]:
    return [
        r["why"] for row in rows_of(function, *args) for r in row["refused"] if r["rule"] == RULE
    ]


def bits(value: Any) -> tuple[Any, ...]:
    a = np.asarray(value)
    return a.dtype, a.shape, a.strides, zlib.crc32(a.tobytes())


# The same bits


# Products may overflow. Each dtype meets each reduction, and each shape each of them, but not all three.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", range(len(REDUCTIONS)), ids=[name for name, _ in REDUCTIONS])
def test_the_bits_are_those_of_two_steps(number: int, dtype: str) -> None:
    name, reduce = REDUCTIONS[number]
    shape = SHAPES[(number + DTYPES.index(dtype)) % len(SHAPES)]
    a, b = drawn(shape, dtype, 1), drawn(shape, dtype, 2)
    axes = [None, *range(len(shape))]
    if len(shape) > 1 and not name.startswith("arg"):
        axes.append((0, 1))
    function = jl.jit(reduce)
    for axis in axes:
        for x, y in ((a, b), (a.T, b.T)):
            jl.settings.rules = "-" + RULE
            jl.threads(1)
            apart = bits(function(x, y, axis))

            jl.settings.rules = ""
            jl.threads(2)

            assert bits(function(x, y, axis)) == apart, axis


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("jit", ["off", "always"])
@pytest.mark.parametrize("dtype", ["float64", "complex64", "int32"])
@pytest.mark.parametrize("shape", [(200_001,), (900, 200), (200, 900), (3000, 20, 3)], ids=str)
def test_interpreter_and_machine_code_agree(
    shape: tuple[int, ...], dtype: str, jit: str, workers: int
) -> None:
    def expression(x: Any, y: Any, axis: Any) -> Any:
        return np.sum((x - y) ** 2 * (y + 2), axis=axis)

    x, y = drawn(shape, dtype, 3), drawn(shape, dtype, 4)
    jl.settings.rules, jl.settings.jit = "-" + RULE, "off"
    wanted = [bits(jl.jit(expression)(x, y, axis)) for axis in (None, 0, -1)]

    jl.settings.rules, jl.settings.jit = "", jit
    jl.threads(workers)

    assert [bits(jl.jit(expression)(x, y, axis)) for axis in (None, 0, -1)] == wanted


# The same as NumPy


@pytest.mark.parametrize("shape", [(1,), (0,), (0, 4), (4, 0), (7, 1), (1500,), (40, 50)], ids=str)
@pytest.mark.parametrize("dtype", ["float64", "int32", "complex128", "bool"])
def test_reductions_of_expressions_are_numpys(dtype: str, shape: tuple[int, ...]) -> None:
    a, b = drawn(shape, dtype, 5), drawn(shape, dtype, 6)
    for _, reduce in REDUCTIONS:
        for axis in (None, 0, -1):
            # A mean of nothing is NumPy's own, warnings included.
            if a.size == 0 and reduce is REDUCTIONS[3][1]:
                continue
            same_as_numpy(reduce, a, b, axis, rtol=1e-6 if dtype == "float32" else 1e-12)


def test_views_of_any_strides_are_reduced() -> None:
    whole = np.round(drawn((90, 80, 70), "float64", 7) * 8)
    views = (
        whole[::2, ::-1, 5:],
        whole[::2, ::1, :65],
        np.broadcast_to(whole[0, :, 5:], (45, 80, 65)),
    )
    for x in views:
        for y in views:
            for axis in (None, 0, 1, 2, (0, 2)):
                same_as_numpy(lambda x, y, axis: np.sum(x * y, axis=axis), x, y, axis, rtol=1e-12)
                same_as_numpy(lambda x, y, axis: np.max(x - y, axis=axis), x, y, axis)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, -0.0])
def test_special_numbers_travel_through(special: float) -> None:
    x = drawn((80, 60), "float64", 8)
    x[3, 5] = x[70, 59] = special
    for axis in (None, 0, 1):
        same_as_numpy(lambda x, axis: np.max(x * 1.5, axis=axis), x, axis)
        same_as_numpy(lambda x, axis: np.argmin(-x, axis=axis), x, axis)
        same_as_numpy(lambda x, axis: np.sum(x * 1.5, axis=axis), x, axis, rtol=1e-12)


# What is reported


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "complex64"])
@pytest.mark.parametrize("length", [1, 3, 4, 7, 8, 16, 31, 33, 600])
def test_extremes_of_many_short_lines_are_the_first_ones(dtype: str, length: int) -> None:
    def where(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        lines = a[:, 1 : 1 + length]
        return np.argmin(a, axis=1), np.argmax(lines, axis=-1), np.argmin(a * b, axis=1)

    random = np.random.default_rng(length)
    a = random.integers(0, 4, (150, length + 2)).astype(dtype)
    if dtype.startswith(("f", "c")):
        a[random.random(a.shape) < 0.02] = np.nan
        a[a == 0] = random.choice([0.0, -0.0], a.shape)[a == 0]

    same_as_numpy(where, a, np.ones_like(a))


def test_conditions_have_their_names_and_lines() -> None:
    def sums(x: Any, y: Any) -> Any:
        a = np.sum(x / y, axis=1)
        b = np.max(
            np.log(y),
        )
        c = np.argmin(x / y)
        return a, b, c

    x, y = np.ones((90, 80)), np.ones((90, 80))
    y[70, 1] = 0.0
    same_as_numpy(sums, x, y)


def test_a_condition_after_a_nan_is_told_of() -> None:
    x, y = np.ones(20_000), np.ones(20_000)
    x[5] = np.nan
    y[19_000] = 0.0
    same_as_numpy(lambda x, y: np.argmin(x / y), x, y)


def test_the_sum_itself_overflows() -> None:
    x = np.full((50, 100), 1e307)
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert np.isinf(jl.jit(lambda x: np.sum(x * 9.0, axis=1))(x)).all()
    same_as_numpy(lambda x: np.max(x * 90.0), x)


def test_an_error_of_the_reduction_comes_after_the_warnings() -> None:
    x = np.zeros((90, 80))
    same_as_numpy(lambda x: np.sum(1.0 / x, axis=2), x)
    same_as_numpy(lambda x: np.max(1.0 / x[:0], axis=0), x)
    same_as_numpy(lambda x: np.argmax(x[:, :0] * 2.0, axis=1), x)


def test_conditions_that_raise_do_so_in_their_step() -> None:
    def sums(x: Any) -> Any:
        return np.sum(1.0 / x, axis=0)

    with np.errstate(divide="raise"):
        same_as_numpy(sums, np.zeros((90, 80)))
        assert refusals(sums, np.ones((90, 80))) == ["a floating-point condition raises at once"]


# When it applies


def test_an_expression_is_never_in_memory() -> None:
    def apart(x: Any, y: Any) -> Any:
        d = x - y
        total = np.sum(d * d)
        return total, np.max(abs(x + y), axis=0), np.argmin(x * y, axis=1)

    def peak_of(function: Any, *args: Any) -> int:
        gc.collect()
        before = core().allocated(reset=True)["now"]
        function(*args)
        return int(core().allocated()["peak"] - before)

    x, y = drawn((1000, 500), "float64", 9), drawn((1000, 500), "float64", 10)
    function = jl.jit(apart)

    together = peak_of(function, x, y)
    jl.settings.rules = "-" + RULE

    assert together < x.nbytes / 20
    assert peak_of(function, x, y) >= x.nbytes


def test_explain_shows_the_rule_and_its_switch() -> None:
    def total(x: Any) -> Any:
        return np.sum(x * x)

    x = drawn((90, 80), "float64", 11)
    assert shaped_by_rule(total, x)
    jl.settings.rules = "-" + RULE
    assert not shaped_by_rule(total, x)


def test_what_is_returned_belongs_to_the_statements_before() -> None:
    def length(x: Any, y: Any) -> Any:
        apart = x - y
        return np.sum(apart * apart)

    x, y = drawn((90, 80), "float64", 12), drawn((90, 80), "float64", 13)
    assert shaped_by_rule(length, x, y)
    assert [row["kind"] for row in rows_of(length, x, y)] == ["function", "fused", "call"]
    same_as_numpy(length, x, y, rtol=1e-12)


def test_few_elements_are_reduced_at_once() -> None:
    assert refusals(lambda x: np.sum((x - 1.0) ** 2), np.ones(10)) == ["the elements are few"]


def test_what_is_read_again_is_in_memory() -> None:
    def shares(x: Any) -> Any:
        e = x * 2.0
        return e / np.sum(e, axis=1, keepdims=True)

    x = drawn((90, 80), "float64", 12)
    assert not shaped_by_rule(shares, x)
    same_as_numpy(shares, x, rtol=1e-12)


def test_operands_written_afterwards_are_read_before() -> None:
    def sums(x: Any, y: Any) -> Any:
        s = np.sum(x * y, axis=1)
        x[:] = 0.0
        y *= 2.0
        return s, np.sum(x + y, axis=0)

    for workers in (1, 2, 4):
        same_as_numpy(sums, drawn((900, 800), "float64", 13), drawn((900, 800), "float64", 14),
                      workers=workers, rtol=1e-12)  # fmt: skip


def test_rounds_of_a_loop_reduce_anew() -> None:
    def rounds(x: Any, n: int) -> Any:
        total = np.zeros(x.shape[0])
        for k in range(n):
            total = total + np.sum((x - k) ** 2, axis=1)
            x = x * 0.5
        return total

    same_as_numpy(rounds, drawn((200, 300), "float64", 15), 6, rtol=1e-12)


# Rule masked-reduction

MASKED = "masked-reduction"


@pytest.mark.parametrize("share", [0.0, 0.001, 0.4, 1.0])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(30_001,), (9000, 5), (9000, 3, 4)], ids=str)
def test_what_a_mask_takes_has_the_bits_of_its_copy(
    shape: tuple[int, ...], dtype: str, share: float
) -> None:
    x = drawn(shape, dtype, 16)
    mask = np.random.default_rng(17).random(shape[0]) < share
    reductions = (
        lambda x, m: np.sum(x[m]),
        lambda x, m: np.sum(x[m], axis=0),
        lambda x, m: x[m].sum(axis=-1),
        lambda x, m: np.count_nonzero(x[m]),
        lambda x, m: np.prod(x[m], axis=0, keepdims=True),
        lambda x, m: np.any(x[m], axis=0),
    )
    extremes = (
        lambda x, m: np.max(x[m], axis=0),
        lambda x, m: np.mean(x[m], axis=0),
        lambda x, m: x[m].argmin(axis=0),
    )
    for reduce in reductions + (extremes if share == 0.4 else ()):
        function = jl.jit(reduce)
        jl.threads(1)
        jl.settings.rules = "-" + MASKED
        copied = bits(function(x, mask))

        jl.threads(2)
        jl.settings.rules = ""

        assert bits(function(x, mask)) == copied


def test_masked_reductions_are_numpys() -> None:
    x = drawn((300, 200), "float64", 18)
    same = same_as_numpy
    same(lambda x: x[x > 0].sum(), x, rtol=1e-12)
    same(lambda x: np.mean(x[x > 0.25]), x, rtol=1e-12)
    same(lambda x: np.max(x[x < 0]), x)
    same(lambda x: x[abs(x) > 0.1].argmin(), x)
    same(lambda x: np.sum(x[x[:, 0] > 0], axis=1), np.tile(x, (50, 1)), rtol=1e-12)
    same(lambda x: np.sum(x[::-3][x[::-3] > 0]), np.tile(x.ravel(), 3), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_a_mask_that_takes_one_element(dtype: str) -> None:
    x = np.array([3, 5, 7]).astype(dtype)
    same_as_numpy(lambda x: (x[x == 5].min(), np.sum(x[x > 5]), np.mean(x[x < 4])), x)


def test_a_mask_that_takes_nothing() -> None:
    x = np.ones(20_000)
    same_as_numpy(lambda x: np.sum(x[x > 2]), x)
    same_as_numpy(lambda x: np.max(x[x > 2]), x)
    same_as_numpy(lambda x: np.argmax(x[x > 2]), x)


def test_masks_of_wrong_shape_are_refused_as_in_numpy() -> None:
    same_as_numpy(lambda x, m: np.sum(x[m]), np.ones((9000, 2)), np.ones(9001, bool))


def test_masked_reductions_are_shown_and_refused() -> None:
    def total(x: Any) -> Any:
        return np.sum(x[x > 0])

    x = drawn((100, 200), "float64", 19)
    assert any(MASKED in row["rules"] for row in rows_of(total, x))
    refused = [r["why"] for row in rows_of(total, x.T) for r in row["refused"]]
    assert refused == ["the array or its mask has gaps, or other axes"]


def test_what_a_mask_takes_is_never_in_memory() -> None:
    def total(x: Any, m: Any) -> Any:
        return np.sum(x[m])

    x = drawn((400_000,), "float64", 20)
    function = jl.jit(total)
    gc.collect()
    before = core().allocated(reset=True)["now"]
    function(x, x > 0)
    assert core().allocated()["peak"] - before < x.nbytes / 20


@pytest.mark.filterwarnings("ignore::jetlag.OpaqueWarning")
def test_methods_of_numbers_that_still_compute_give_numbers() -> None:
    def f(x):
        total = np.sum(np.floor(x * 3))
        return total.copy(), total.reshape(()), np.max(x).astype("f4"), total.sum()

    x = np.arange(400_000.0)
    for found, expected in zip(jl.jit(f)(x), f(x), strict=True):
        assert (type(found), found) == (type(expected), expected)


def products(a):
    return a.prod(), (a * 1).prod(), np.prod(a.reshape(-1, 100), axis=0), a[a < 4].prod()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n", [1000, 200_000])
@pytest.mark.parametrize("place", [0, 350, -1])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_zero_among_factors_whose_product_overflows(
    dtype: str, n: int, place: int, workers: int
) -> None:
    a = np.full(n, 3, dtype)
    a[place] = 0

    with np.errstate(over="ignore", invalid="ignore"):
        same_as_numpy(products, a, workers=workers)


def test_products_tell_of_what_numpys_order_meets() -> None:
    def one(a):
        return np.multiply(a, 1).prod(), np.prod(a, axis=0)

    a = np.full((2000, 20), 3.0)
    a[0] = 0.0
    with np.errstate(all="raise"):
        same_as_numpy(one, a)

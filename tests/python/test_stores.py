"""Results that are computed where they are stored leave what NumPy leaves."""

import warnings

import numpy as np
import pytest

import jetlag as jl
from same import same_as_numpy

LARGE = (300, 400)  # enough for tasks


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape)


def rules(f, *args) -> set[str]:
    return {rule for row in jl.explain(f, *args).rows for rule in str(row["rule"]).split(", ")}


def smooth(A, B):
    B[1:-1, 1:-1] = 0.25 * (A[:-2, 1:-1] + A[2:, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:])
    return B


@pytest.mark.parametrize("shape", [(3, 3), (7, 9), LARGE])
def test_a_stencil_is_stored_where_it_is_computed(shape) -> None:
    same_as_numpy(smooth, numbers(*shape), numbers(*shape, seed=1))


def test_explain_names_the_rule() -> None:
    assert "store-in-place" in rules(smooth, numbers(*LARGE), numbers(*LARGE, seed=1))


@pytest.mark.parametrize("shape", [(7, 9), LARGE])
def test_operands_that_lie_in_the_way_are_read_first(shape) -> None:
    same_array = numbers(*shape)

    def step(A):
        A[1:-1, 1:-1] = 0.25 * (A[:-2, 1:-1] + A[2:, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:])
        return A

    same_as_numpy(step, same_array)
    used = rules(step, numbers(*shape))
    assert ("store-in-place" in used) == ("delayed-store" in used) == (shape == LARGE)


def test_the_same_array_twice_is_in_the_way() -> None:
    a = numbers(50, 60)

    same_as_numpy(smooth, a, a)


def test_overlapping_views_of_one_array_are_in_the_way() -> None:
    a = numbers(60, 60)

    same_as_numpy(smooth, a[:-1], a[1:])


@pytest.mark.parametrize("shape", [(5,), (200_000,)])
def test_the_target_itself_may_be_an_operand(shape) -> None:
    def decay(a, b):
        a[:] = a * 0.5 + b
        a[...] = b - a * a
        return a

    same_as_numpy(decay, numbers(*shape), numbers(*shape, seed=1))


def test_reversed_and_stepped_targets() -> None:
    def scatter(a, b, n):
        a[::-1] = b * 2.0 + 1.0
        a[1 : n - 1 : 2] = b[1 : n - 1 : 2] * 3.0 - b[1 : n - 1 : 2]
        return a

    same_as_numpy(scatter, numbers(100), numbers(100, seed=1), 99)


def test_other_shapes_and_dtypes_go_the_long_way() -> None:
    def store(f, i, b, row):
        f[:] = row * 2.0 + 1.0
        i[:] = b * 9.0 + 1.0
        i[2, :] = (row + 1.0) * 5.0
        return f, i

    same_as_numpy(
        store, np.zeros((4, 5)), np.zeros((4, 5), dtype=np.int32), numbers(4, 5), numbers(5)
    )


def test_a_shape_that_does_not_fit_raises_after_the_value_was_made() -> None:
    def store(a, b):
        a[1:3] = np.sqrt(b) * 2.0 + 1.0

    same_as_numpy(store, np.zeros(5), np.array([-1.0, 4.0, 9.0]))


def test_a_subscript_that_does_not_fit_raises_after_the_value_was_made() -> None:
    def store(a, b):
        a[7] = np.log(b) + 1.0

    same_as_numpy(store, np.zeros((5, 3)), np.array([0.0, 1.0, 2.0]))


def test_a_read_only_target_stays_as_it_was() -> None:
    a = np.zeros(5)
    a.flags.writeable = False

    def store(a, b):
        a[:] = b * 2.0 + 1.0

    same_as_numpy(store, a, numbers(5))


def test_a_target_whose_elements_share_a_place() -> None:
    a = np.lib.stride_tricks.as_strided(np.zeros(1), (4,), (0,))

    def store(a, b):
        a[:] = b * 2.0 + 1.0
        return a.copy()

    b = np.arange(4.0)
    assert jl.jit(store)(a, b).tolist() == store(a, b).tolist()


@pytest.mark.parametrize("size", [6, 200_000])
def test_a_condition_is_told_once_with_its_line(size) -> None:
    def store(a, b):
        a[:] = 1.0 / b + a
        a[1:] = np.log(b[1:]) * 2.0
        return a

    b = numbers(size)
    b[2] = 0.0
    same_as_numpy(store, numbers(size), b, rtol=1e-14)


@pytest.mark.parametrize("size", [6, 200_000])
def test_nothing_is_stored_where_a_condition_raises(size) -> None:
    def store(a, b):
        a[1:] = 1.0 / b[1:] + 1.0

    b = np.ones(size)
    b[3] = 0.0
    a = np.zeros(size)

    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        jl.jit(store)(a, b)
    assert not a.any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            jl.jit(store)(a, b)
    assert not a.any()


def test_a_result_that_is_read_again_is_not_the_target() -> None:
    def store(a, b):
        a[:] = t = b * 2.0 + 1.0
        a[0] = 7.0
        return t

    same_as_numpy(store, np.zeros(5), numbers(5))


def test_an_array_stored_into_itself() -> None:
    def store(a):
        a[:] = a
        a[1:] = a[1:]
        return a

    same_as_numpy(store, numbers(5))


@pytest.mark.parametrize("shape", [(6, 7), (300, 401), (20, 30, 401)])
def test_part_of_every_row_is_changed_in_place(shape) -> None:
    def step(a, b):
        a[..., 1:] -= 0.5 * (b[..., 1:] - b[..., :-1])
        a[1:, ..., :-1] *= b[1:, ..., :-1]
        a[..., 2:] = a[..., 2:] * 0.5 + b[..., 2:]
        return a

    same_as_numpy(step, numbers(*shape), numbers(*shape, seed=1))


@pytest.mark.parametrize("shape", [(6, 7), (300, 401), (20, 30, 401)])
def test_a_condition_in_part_of_a_row_is_told_with_its_line(shape) -> None:
    def step(a, b):
        a[..., 1:] /= b[..., 1:]
        a[..., 2:] = a[..., 2:] / b[..., 2:] + 1.0
        return a

    b = numbers(*shape, seed=1)
    b[-1, ..., 3] = 0.0
    same_as_numpy(step, numbers(*shape), b)


@pytest.mark.parametrize("operand", ["apart", "gone over", "both"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(6, 7), (300, 401)])
def test_conditions_are_told_whether_they_hang_on_what_is_gone_over(shape, dtype, operand) -> None:
    """np.minimum tells of nothing, whatever it is given; the sums and the logarithm do."""

    def step(a, b, c):
        a[:] = np.minimum(a, b + c)
        a[:] = np.maximum(a, np.log(b)) * c
        a[:] = np.where(a > c, b * c, a)
        return a

    a, b, c = (numbers(*shape, seed=k).astype(dtype) for k in range(3))
    large = np.finfo(dtype).max
    a[2, 3], a[4, :2] = np.nan, np.inf
    if operand != "gone over":
        b[-1, 3] = c[-1, 3] = large
        b[1, 1] = 0.0
    if operand != "apart":
        a[3, 5] = -large
        c[3, 5] = 3.0
        b[3, 5] = np.inf
    same_as_numpy(step, a, b, c, rtol=1e-6 if dtype == "float32" else 1e-14)


def test_columns_and_transposes_are_changed_in_place() -> None:
    def step(a, b):
        a[:, 1] += b[:, 1]
        a.T[2:] *= b.T[2:] + 1.0
        a[::2, ::-1] -= b[::2]
        return a

    same_as_numpy(step, numbers(300, 40), numbers(300, 40, seed=1))


def square_in_place(c):
    c **= 2
    return c


def root_in_place(c):
    c[1:] **= 0.5
    return c


def root_of_some_in_place(c):
    c[c < 2] **= 0.5
    return c


def reciprocal_in_place(c):
    c **= -1
    return c


@pytest.mark.parametrize("repeats", [1, 5000])
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@pytest.mark.parametrize(
    "program", [square_in_place, root_in_place, root_of_some_in_place, reciprocal_in_place]
)
def test_powers_in_place_are_those_of_expressions(program, dtype, repeats) -> None:
    """NumPy takes the square root for an exponent of 0.5, which has another zero and infinity."""
    numbers = [1.0, -0.0, np.inf, -np.inf, 1e30, -3.0]

    same_as_numpy(program, np.array(numbers * repeats, dtype))


@pytest.mark.parametrize("size", [0, 8, 20_000])
def test_a_target_may_be_of_another_dtype_in_the_next_round(size) -> None:
    def step(x):
        y = x
        for _ in range(3):
            x += np.logical_and(np.remainder(1, y), y)
            x = np.less(y, y)
        return x, y

    same_as_numpy(step, np.ones(size, np.uint8))

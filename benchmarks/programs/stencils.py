"""Time steps of stencils in array form, after PolyBench."""

import numpy as np

from programs.row import Arguments, Row, numbers


def jacobi_2d(steps, A, B):
    for _ in range(steps):
        B[1:-1, 1:-1] = 0.2 * (
            A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1]
        )
        A[1:-1, 1:-1] = 0.2 * (
            B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1]
        )
    return A, B


def jacobi_3d(steps, A, B):
    for _ in range(steps):
        B[1:-1, 1:-1, 1:-1] = (
            A[1:-1, 1:-1, 1:-1]
            + A[:-2, 1:-1, 1:-1]
            + A[2:, 1:-1, 1:-1]
            + A[1:-1, :-2, 1:-1]
            + A[1:-1, 2:, 1:-1]
            + A[1:-1, 1:-1, :-2]
            + A[1:-1, 1:-1, 2:]
        ) / 7.0
        A[1:-1, 1:-1, 1:-1] = (
            B[1:-1, 1:-1, 1:-1]
            + B[:-2, 1:-1, 1:-1]
            + B[2:, 1:-1, 1:-1]
            + B[1:-1, :-2, 1:-1]
            + B[1:-1, 2:, 1:-1]
            + B[1:-1, 1:-1, :-2]
            + B[1:-1, 1:-1, 2:]
        ) / 7.0
    return A, B  # fmt: skip


def heat_2d(steps, u, diffusion):
    """Explicit steps of the heat equation; the old values are those before the statement."""
    for _ in range(steps):
        u[1:-1, 1:-1] = u[1:-1, 1:-1] + diffusion * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]
        )
    return u


def heat_3d(steps, A, B):
    for _ in range(steps):
        B[1:-1, 1:-1, 1:-1] = (
            0.125 * (A[2:, 1:-1, 1:-1] - 2.0 * A[1:-1, 1:-1, 1:-1] + A[:-2, 1:-1, 1:-1])
            + 0.125 * (A[1:-1, 2:, 1:-1] - 2.0 * A[1:-1, 1:-1, 1:-1] + A[1:-1, :-2, 1:-1])
            + 0.125 * (A[1:-1, 1:-1, 2:] - 2.0 * A[1:-1, 1:-1, 1:-1] + A[1:-1, 1:-1, :-2])
            + A[1:-1, 1:-1, 1:-1]
        )
        A[1:-1, 1:-1, 1:-1] = (
            0.125 * (B[2:, 1:-1, 1:-1] - 2.0 * B[1:-1, 1:-1, 1:-1] + B[:-2, 1:-1, 1:-1])
            + 0.125 * (B[1:-1, 2:, 1:-1] - 2.0 * B[1:-1, 1:-1, 1:-1] + B[1:-1, :-2, 1:-1])
            + 0.125 * (B[1:-1, 1:-1, 2:] - 2.0 * B[1:-1, 1:-1, 1:-1] + B[1:-1, 1:-1, :-2])
            + B[1:-1, 1:-1, 1:-1]
        )
    return A, B


def fdtd_2d(ex, ey, hz, border):
    """Maxwell's equations in the plane, one step for each number of `border`."""
    for t in range(border.shape[0]):
        ey[0, :] = border[t]
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
    return ex, ey, hz


def floyd_warshall(path):
    """All shortest paths."""
    for k in range(path.shape[0]):
        path[:] = np.minimum(path, path[:, k][:, None] + path[k, :])
    return path


def grids(steps: int, *shape: int) -> Arguments:
    return steps, numbers(*shape), numbers(*shape, seed=1)


def plate(steps: int, n: int) -> Arguments:
    return steps, numbers(n, n), 0.1


def fields(steps: int, nx: int, ny: int) -> Arguments:
    return *(numbers(nx, ny, seed=k) for k in range(3)), np.arange(float(steps))


def roads(n: int) -> Arguments:
    return (np.random.default_rng(0).integers(1, 1000, (n, n)).astype(float),)


ALL = ("numba", "jax", "pythran")

ROWS = (
    Row("jacobi-2d", "Jacobi, 1000 × 1000, 50 steps", "array", jacobi_2d, grids,
        (50, 1000, 1000), (3, 8, 9), ALL, writes=True),
    Row("jacobi-3d", "Jacobi, 120³, 20 steps", "array", jacobi_3d, grids,
        (20, 120, 120, 120), (3, 6, 5, 7), ALL, writes=True),
    Row("heat-2d", "heat equation in place, 1000 × 1000, 50 steps", "array", heat_2d, plate,
        (50, 1000), (3, 7), ALL, writes=True),
    Row("heat-3d", "heat equation, 120³, 20 steps", "array", heat_3d, grids,
        (20, 120, 120, 120), (3, 6, 5, 7), ALL, writes=True),
    Row("fdtd-2d", "FDTD, 1000 × 1200, 20 steps", "array", fdtd_2d, fields,
        (20, 1000, 1200), (3, 7, 8), ALL, writes=True),
    Row("floyd-warshall", "shortest paths, 500 nodes, a matrix a step", "array", floyd_warshall,
        roads, (500,), (9,), ALL, writes=True),
)  # fmt: skip

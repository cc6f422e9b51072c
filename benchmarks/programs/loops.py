"""Explicit loops over single elements, which plain Python runs slowly and C++ runs well."""

import numpy as np

from programs.linear import definite, toeplitz, triangle
from programs.row import Arguments, Row, numbers
from programs.stencils import roads


def seidel_2d(steps, A):
    n = A.shape[0]
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                A[i, j] = (
                    A[i - 1, j - 1]
                    + A[i - 1, j]
                    + A[i - 1, j + 1]
                    + A[i, j - 1]
                    + A[i, j]
                    + A[i, j + 1]
                    + A[i + 1, j - 1]
                    + A[i + 1, j]
                    + A[i + 1, j + 1]
                ) / 9.0
    return A  # fmt: skip


def floyd_warshall_loops(path):
    n = path.shape[0]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if path[i, k] + path[k, j] < path[i, j]:
                    path[i, j] = path[i, k] + path[k, j]
    return path


def cholesky_loops(A):
    n = A.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                A[i, j] -= A[i, k] * A[j, k]
            A[i, j] /= A[j, j]
        for k in range(i):
            A[i, i] -= A[i, k] * A[i, k]
        A[i, i] = A[i, i] ** 0.5
    return A


def lu_loops(A):
    n = A.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                A[i, j] -= A[i, k] * A[k, j]
            A[i, j] /= A[j, j]
        for j in range(i, n):
            for k in range(i):
                A[i, j] -= A[i, k] * A[k, j]
    return A


def durbin_loops(r):
    n = r.shape[0]
    y = np.zeros(n)
    z = np.zeros(n)
    y[0] = -r[0]
    beta = 1.0
    alpha = -r[0]
    for k in range(1, n):
        beta = (1.0 - alpha * alpha) * beta
        total = 0.0
        for i in range(k):
            total += r[k - i - 1] * y[i]
        alpha = -(r[k] + total) / beta
        for i in range(k):
            z[i] = y[i] + alpha * y[k - i - 1]
        for i in range(k):
            y[i] = z[i]
        y[k] = alpha
    return y


def trisolv_loops(L, x, b):
    for i in range(x.shape[0]):
        x[i] = b[i]
        for j in range(i):
            x[i] -= L[i, j] * x[j]
        x[i] = x[i] / L[i, i]
    return x


def mandelbrot_loops(width, height, rounds):
    counts = np.zeros((height, width), dtype=np.int64)
    for i in range(height):
        for j in range(width):
            cr = -2.25 + 3.0 * j / width
            ci = -1.25 + 2.5 * i / height
            zr = 0.0
            zi = 0.0
            n = 0
            while n < rounds and zr * zr + zi * zi < 4.0:
                zr, zi = zr * zr - zi * zi + cr, 2.0 * zr * zi + ci
                n += 1
            counts[i, j] = n
    return counts


def nbody_loops(mass, pos, vel, steps, dt):
    n = mass.shape[0]
    for _ in range(steps):
        for i in range(n):
            ax = 0.0
            ay = 0.0
            az = 0.0
            for j in range(n):
                dx = pos[j, 0] - pos[i, 0]
                dy = pos[j, 1] - pos[i, 1]
                dz = pos[j, 2] - pos[i, 2]
                apart = dx * dx + dy * dy + dz * dz + 0.01
                pull = mass[j] / (apart * apart**0.5)
                ax += dx * pull
                ay += dy * pull
                az += dz * pull
            vel[i, 0] += ax * dt
            vel[i, 1] += ay * dt
            vel[i, 2] += az * dt
        for i in range(n):
            for k in range(3):
                pos[i, k] += vel[i, k] * dt
    return pos, vel


def spmv(starts, columns, values, x):
    """A sparse matrix in compressed rows times a vector."""
    y = np.zeros(starts.shape[0] - 1)
    for i in range(y.shape[0]):
        total = 0.0
        for k in range(starts[i], starts[i + 1]):
            total += values[k] * x[columns[k]]
        y[i] = total
    return y


def histogram(values, bins, low, high):
    """np.histogram with bins of one width."""
    counts = np.zeros(bins, dtype=np.int64)
    for i in range(values.shape[0]):
        v = values[i]
        if low <= v <= high:
            k = int((v - low) / (high - low) * bins)
            if k == bins:
                k = bins - 1
            counts[k] += 1
    return counts


def fibonacci(n):
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)


def sweep(steps: int, n: int) -> Arguments:
    return steps, numbers(n, n)


def stars(n: int, steps: int) -> Arguments:
    random = np.random.default_rng(0)
    return np.full(n, 1 / n), random.random((n, 3)), random.random((n, 3)), steps, 0.001


def sparse(rows: int, each: int) -> Arguments:
    random = np.random.default_rng(0)
    starts = np.concatenate(([0], np.cumsum(random.integers(0, 2 * each, rows))))
    columns = random.integers(0, rows, starts[-1])
    return starts, columns, random.random(starts[-1]), random.random(rows)


def samples(n: int, bins: int) -> Arguments:
    return numbers(n), bins, 0.1, 0.9


def as_they_are(*numbers: int) -> Arguments:
    return numbers


NATIVE = ("numba", "pythran", "cpp")

ROWS = (
    Row("seidel-2d", "Gauss and Seidel, 400 × 400, 10 sweeps", "loops", seidel_2d, sweep,
        (10, 400), (2, 7), NATIVE, writes=True),
    Row("floyd-warshall-loops", "shortest paths, 200 nodes", "loops", floyd_warshall_loops, roads,
        (200,), (7,), NATIVE, writes=True),
    Row("cholesky-loops", "Cholesky, 300²", "loops", cholesky_loops, definite,
        (300,), (7,), NATIVE, writes=True),
    Row("lu-loops", "LU, 250²", "loops", lu_loops, definite, (250,), (7,), NATIVE, writes=True),
    Row("durbin-loops", "Durbin's recursion, 2000", "loops", durbin_loops, toeplitz,
        (2000,), (7,), NATIVE),
    Row("trisolv-loops", "forward substitution, 2000²", "loops", trisolv_loops, triangle,
        (2000,), (7,), NATIVE, writes=True),
    Row("mandelbrot-loops", "Mandelbrot, 320 × 200, up to 100 rounds", "loops", mandelbrot_loops,
        as_they_are, (320, 200, 100), (9, 8, 10), NATIVE),
    Row("nbody-loops", "n-body, 200 stars, 20 steps", "loops", nbody_loops, stars,
        (200, 20), (5, 2), NATIVE, writes=True),
    Row("spmv", "sparse matrix in rows times vector, 100000 rows of 20", "loops", spmv, sparse,
        (100_000, 20), (9, 3), NATIVE),
    Row("histogram", "2e6 numbers into 100 bins", "loops", histogram, samples,
        (2_000_000, 100), (50, 7), NATIVE),
    Row("fibonacci", "the 30th Fibonacci number by recursion", "loops", fibonacci, as_they_are,
        (30,), (12,), NATIVE),
)  # fmt: skip

"""Matrix products and factorisations, after PolyBench in its NumPy form."""

import numpy as np

from programs.row import Arguments, Row, numbers


def gemm(alpha, beta, C, A, B):
    C[:] = alpha * np.dot(A, B) + beta * C
    return C


def two_mm(alpha, beta, A, B, C, D):
    D[:] = alpha * np.dot(np.dot(A, B), C) + beta * D
    return D


def three_mm(A, B, C, D):
    return np.dot(np.dot(A, B), np.dot(C, D))


def atax(A, x):
    return np.dot(np.dot(A, x), A)


def bicg(A, p, r):
    return np.dot(r, A), np.dot(A, p)


def mvt(x1, x2, y1, y2, A):
    x1 += np.dot(A, y1)
    x2 += np.dot(y2, A)
    return x1, x2


def gesummv(alpha, beta, A, B, x):
    return alpha * np.dot(A, x) + beta * np.dot(B, x)


def gemver(alpha, beta, A, u1, v1, u2, v2, w, x, y, z):
    A += np.outer(u1, v1) + np.outer(u2, v2)
    x += beta * np.dot(y, A) + z
    w += alpha * np.dot(A, x)
    return A, w, x


def covariance(data):
    centred = data - np.mean(data, axis=0)
    return np.dot(centred.T, centred) / (data.shape[0] - 1.0)


def correlation(data):
    mean = np.mean(data, axis=0)
    spread = np.std(data, axis=0)
    spread = np.where(spread <= 0.1, 1.0, spread)
    scaled = (data - mean) / (np.sqrt(float(data.shape[0])) * spread)
    return np.dot(scaled.T, scaled)


def cholesky(A):
    """Row by row, the lower triangle in place."""
    A[0, 0] = np.sqrt(A[0, 0])
    for i in range(1, A.shape[0]):
        for j in range(i):
            A[i, j] -= np.dot(A[i, :j], A[j, :j])
            A[i, j] /= A[j, j]
        A[i, i] -= np.dot(A[i, :i], A[i, :i])
        A[i, i] = np.sqrt(A[i, i])
    return A


def lu(A):
    """Row by row in place, no pivots."""
    for i in range(A.shape[0]):
        for j in range(i):
            A[i, j] -= np.dot(A[i, :j], A[:j, j])
            A[i, j] /= A[j, j]
        for j in range(i, A.shape[0]):
            A[i, j] -= np.dot(A[i, :i], A[:i, j])
    return A


def durbin(r):
    """Levinson and Durbin's recursion for a Toeplitz system."""
    y = np.empty_like(r)
    alpha = -r[0]
    beta = 1.0
    y[0] = -r[0]
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return y


def trisolv(L, x, b):
    """Forward substitution."""
    for i in range(x.shape[0]):
        x[i] = (b[i] - np.dot(L[i, :i], x[:i])) / L[i, i]
    return x


def matrices(*shapes: tuple[int, int]) -> Arguments:
    return tuple(numbers(*shape, seed=k) for k, shape in enumerate(shapes))


def products(m: int, n: int, k: int) -> Arguments:
    return 1.5, 1.2, *matrices((m, n), (m, k), (k, n))


def two_products(m: int, n: int, k: int, j: int) -> Arguments:
    return 1.5, 1.2, *matrices((m, k), (k, n), (n, j), (m, j))


def three_products(m: int, n: int, k: int, j: int, i: int) -> Arguments:
    return matrices((m, k), (k, n), (n, j), (j, i))


def matrix_and_vectors(m: int, n: int, columns: int, rows: int = 0) -> Arguments:
    """A matrix, vectors as long as its rows, then vectors as long as its columns."""
    lengths = [n] * columns + [m] * rows
    return numbers(m, n), *(numbers(length, seed=k + 1) for k, length in enumerate(lengths))


def vectors_and_matrix(n: int) -> Arguments:
    A, *vectors = matrix_and_vectors(n, n, 4)
    return *vectors, A


def two_matrices(n: int) -> Arguments:
    return 1.5, 1.2, *matrices((n, n), (n, n)), numbers(n, seed=2)


def rank_two(n: int) -> Arguments:
    return 1.5, 1.2, *matrix_and_vectors(n, n, 8)


def observations(n: int, m: int) -> Arguments:
    return (numbers(n, m) + np.arange(float(m)),)


def definite(n: int) -> Arguments:
    A = numbers(n, n)
    return (np.dot(A, A.T) / n + np.identity(n),)


def toeplitz(n: int) -> Arguments:
    return (0.5 / np.arange(2.0, n + 2.0),)


def triangle(n: int) -> Arguments:
    L = np.tril(numbers(n, n)) / n + np.identity(n)
    return L, np.zeros(n), numbers(n, seed=1)


ROWS = (
    Row("gemm", "C = 1.5 A·B + 1.2 C, 1000 × 1100 × 1200", "bound", gemm, products,
        (1000, 1100, 1200), (4, 5, 6), writes=True),
    Row("2mm", "D = 1.5 A·B·C + 1.2 D, 800 to 1100", "bound", two_mm, two_products,
        (800, 850, 1100, 1000), (4, 5, 6, 7), writes=True),
    Row("3mm", "(A·B)·(C·D), 800 to 1100", "bound", three_mm, three_products,
        (800, 850, 1000, 900, 1100), (4, 5, 6, 7, 8)),
    Row("atax", "Aᵀ·(A·x), 4000 × 5000", "bound", atax, matrix_and_vectors,
        (4000, 5000, 1), (5, 6, 1)),
    Row("bicg", "r·A and A·p, 4000 × 5000", "bound", bicg, matrix_and_vectors,
        (4000, 5000, 1, 1), (5, 6, 1, 1)),
    Row("mvt", "x1 + A·y1 and x2 + Aᵀ·y2, 4000²", "bound", mvt, vectors_and_matrix,
        (4000,), (5,), writes=True),
    Row("gesummv", "1.5 A·x + 1.2 B·x, 4000²", "bound", gesummv, two_matrices, (4000,), (5,)),
    Row("gemver", "rank-two update and two products, 3000²", "bound", gemver, rank_two,
        (3000,), (5,), writes=True),
    Row("covariance", "covariance, 1400 × 1200", "bound", covariance, observations,
        (1400, 1200), (9, 4)),
    Row("correlation", "correlation, 1400 × 1200", "bound", correlation, observations,
        (1400, 1200), (9, 4)),
    Row("cholesky", "Cholesky by rows with dot, 500²", "bound", cholesky, definite,
        (500,), (7,), writes=True),
    Row("lu", "LU by rows with dot, 400²", "bound", lu, definite, (400,), (7,), ("numba",),
        writes=True),
    Row("durbin", "Durbin's recursion, 4000", "bound", durbin, toeplitz, (4000,), (7,),
        ("numba",)),
    Row("trisolv", "forward substitution, 4000²", "bound", trisolv, triangle, (4000,), (7,),
        writes=True),
)  # fmt: skip

"""Where the NumPy form is not what one writes: reductions along columns, products in place."""

import numpy as np
from numba import njit, prange


@njit(parallel=True, cache=True)
def gemm(alpha, beta, C, A, B):
    product = np.dot(A, B)
    for i in prange(C.shape[0]):
        for j in range(C.shape[1]):
            C[i, j] = alpha * product[i, j] + beta * C[i, j]
    return C


@njit(parallel=True, cache=True)
def gemver(alpha, beta, A, u1, v1, u2, v2, w, x, y, z):
    for i in prange(A.shape[0]):
        for j in range(A.shape[1]):
            A[i, j] += u1[i] * v1[j] + u2[i] * v2[j]
    x += beta * np.dot(y, A) + z
    w += alpha * np.dot(A, x)
    return A, w, x


@njit(parallel=True, cache=True)
def means(data):
    result = np.zeros(data.shape[1])
    for i in prange(data.shape[0]):
        result += data[i]
    return result / data.shape[0]


@njit(parallel=True, cache=True)
def covariance(data):
    centred = data - means(data)
    return np.dot(centred.T, centred) / (data.shape[0] - 1.0)


@njit(parallel=True, cache=True)
def correlation(data):
    centred = data - means(data)
    spread = np.sqrt(means(centred * centred))
    spread = np.where(spread <= 0.1, 1.0, spread)
    scaled = centred / (np.sqrt(float(data.shape[0])) * spread)
    return np.dot(scaled.T, scaled)


@njit(cache=True)
def cholesky(A):
    """One thread: with parallel=True this and `lu` take more than seven minutes."""
    A[0, 0] = np.sqrt(A[0, 0])
    for i in range(1, A.shape[0]):
        for j in range(i):
            A[i, j] -= np.dot(A[i, :j], A[j, :j])
            A[i, j] /= A[j, j]
        A[i, i] -= np.dot(A[i, :i], A[i, :i])
        A[i, i] = np.sqrt(A[i, i])
    return A


@njit(cache=True)
def lu(A):
    """As Cholesky; columns are copied, as Numba's dot wants contiguous vectors."""
    for i in range(A.shape[0]):
        for j in range(i):
            A[i, j] -= np.dot(A[i, :j], A[:j, j].copy())
            A[i, j] /= A[j, j]
        for j in range(i, A.shape[0]):
            A[i, j] -= np.dot(A[i, :i], A[:i, j].copy())
    return A


@njit(cache=True)
def durbin(r):
    """Numba adds in place even where both sides overlap, so the flipped part is a copy."""
    y = np.empty_like(r)
    alpha = -r[0]
    beta = 1.0
    y[0] = -r[0]
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(r[:k][::-1].copy(), y[:k])) / beta
        y[:k] += alpha * y[:k][::-1].copy()
        y[k] = alpha
    return y

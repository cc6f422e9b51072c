"""Stencils as parallel loops over rows."""

from numba import njit, prange


@njit(parallel=True, cache=True)
def smooth_2d(A, B):
    for i in prange(1, A.shape[0] - 1):
        for j in range(1, A.shape[1] - 1):
            B[i, j] = 0.2 * (A[i, j] + A[i, j - 1] + A[i, j + 1] + A[i + 1, j] + A[i - 1, j])


@njit(cache=True)
def jacobi_2d(steps, A, B):
    for _ in range(steps):
        smooth_2d(A, B)
        smooth_2d(B, A)
    return A, B


@njit(parallel=True, cache=True)
def smooth_3d(A, B):
    for i in prange(1, A.shape[0] - 1):
        for j in range(1, A.shape[1] - 1):
            for k in range(1, A.shape[2] - 1):
                B[i, j, k] = (
                    A[i, j, k] + A[i - 1, j, k] + A[i + 1, j, k] + A[i, j - 1, k]
                    + A[i, j + 1, k] + A[i, j, k - 1] + A[i, j, k + 1]
                ) / 7.0  # fmt: skip


@njit(cache=True)
def jacobi_3d(steps, A, B):
    for _ in range(steps):
        smooth_3d(A, B)
        smooth_3d(B, A)
    return A, B


@njit(parallel=True, cache=True)
def diffuse(u, v, diffusion):
    for i in prange(1, u.shape[0] - 1):
        for j in range(1, u.shape[1] - 1):
            v[i, j] = u[i, j] + diffusion * (
                u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1] - 4.0 * u[i, j]
            )


@njit(cache=True)
def heat_2d(steps, u, diffusion):
    here, there = u, u.copy()
    for _ in range(steps):
        diffuse(here, there, diffusion)
        here, there = there, here
    if steps % 2:
        u[:] = here
    return u


@njit(parallel=True, cache=True)
def warm(A, B):
    for i in prange(1, A.shape[0] - 1):
        for j in range(1, A.shape[1] - 1):
            for k in range(1, A.shape[2] - 1):
                B[i, j, k] = (
                    0.125 * (A[i + 1, j, k] - 2.0 * A[i, j, k] + A[i - 1, j, k])
                    + 0.125 * (A[i, j + 1, k] - 2.0 * A[i, j, k] + A[i, j - 1, k])
                    + 0.125 * (A[i, j, k + 1] - 2.0 * A[i, j, k] + A[i, j, k - 1])
                    + A[i, j, k]
                )


@njit(cache=True)
def heat_3d(steps, A, B):
    for _ in range(steps):
        warm(A, B)
        warm(B, A)
    return A, B


@njit(parallel=True, cache=True)
def electric(ex, ey, hz, first):
    nx, ny = hz.shape
    for i in prange(nx):
        for j in range(ny):
            ey[i, j] = first if i == 0 else ey[i, j] - 0.5 * (hz[i, j] - hz[i - 1, j])
        for j in range(1, ny):
            ex[i, j] -= 0.5 * (hz[i, j] - hz[i, j - 1])


@njit(parallel=True, cache=True)
def magnetic(ex, ey, hz):
    nx, ny = hz.shape
    for i in prange(nx - 1):
        for j in range(ny - 1):
            hz[i, j] -= 0.7 * (ex[i, j + 1] - ex[i, j] + ey[i + 1, j] - ey[i, j])


@njit(cache=True)
def fdtd_2d(ex, ey, hz, border):
    for t in range(border.shape[0]):
        electric(ex, ey, hz, border[t])
        magnetic(ex, ey, hz)
    return ex, ey, hz


@njit(parallel=True, cache=True)
def floyd_warshall(path):
    n = path.shape[0]
    for k in range(n):
        for i in prange(n):
            first = path[i, k]
            for j in range(n):
                path[i, j] = min(path[i, j], first + path[k, j])
    return path

"""Stencils: each step a new array."""

import jax
import jax.numpy as jnp


def swap_steps(smooth, steps, A, B):
    def step(_, both):
        A, B = both
        B = smooth(A, B)
        return smooth(B, A), B

    return jax.lax.fori_loop(0, steps, step, (A, B))


def smooth_2d(A, B):
    return B.at[1:-1, 1:-1].set(
        0.2 * (A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1])
    )


@jax.jit
def jacobi_2d(steps, A, B):
    return swap_steps(smooth_2d, steps, A, B)


def smooth_3d(A, B):
    return B.at[1:-1, 1:-1, 1:-1].set(
        (
            A[1:-1, 1:-1, 1:-1] + A[:-2, 1:-1, 1:-1] + A[2:, 1:-1, 1:-1]
            + A[1:-1, :-2, 1:-1] + A[1:-1, 2:, 1:-1] + A[1:-1, 1:-1, :-2] + A[1:-1, 1:-1, 2:]
        ) / 7.0
    )  # fmt: skip


@jax.jit
def jacobi_3d(steps, A, B):
    return swap_steps(smooth_3d, steps, A, B)


@jax.jit
def heat_2d(steps, u, diffusion):
    def step(_, u):
        return u.at[1:-1, 1:-1].add(
            diffusion
            * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1])
        )

    return jax.lax.fori_loop(0, steps, step, u)


def warm(A, B):
    return B.at[1:-1, 1:-1, 1:-1].set(
        0.125 * (A[2:, 1:-1, 1:-1] - 2.0 * A[1:-1, 1:-1, 1:-1] + A[:-2, 1:-1, 1:-1])
        + 0.125 * (A[1:-1, 2:, 1:-1] - 2.0 * A[1:-1, 1:-1, 1:-1] + A[1:-1, :-2, 1:-1])
        + 0.125 * (A[1:-1, 1:-1, 2:] - 2.0 * A[1:-1, 1:-1, 1:-1] + A[1:-1, 1:-1, :-2])
        + A[1:-1, 1:-1, 1:-1]
    )


@jax.jit
def heat_3d(steps, A, B):
    return swap_steps(warm, steps, A, B)


@jax.jit
def fdtd_2d(ex, ey, hz, border):
    def step(t, state):
        ex, ey, hz = state
        ey = ey.at[0, :].set(border[t])
        ey = ey.at[1:, :].add(-0.5 * (hz[1:, :] - hz[:-1, :]))
        ex = ex.at[:, 1:].add(-0.5 * (hz[:, 1:] - hz[:, :-1]))
        hz = hz.at[:-1, :-1].add(-0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1]))
        return ex, ey, hz

    return jax.lax.fori_loop(0, border.shape[0], step, (ex, ey, hz))


@jax.jit
def floyd_warshall(path):
    def step(k, path):
        return jnp.minimum(path, path[:, k][:, None] + path[k, :])

    return jax.lax.fori_loop(0, path.shape[0], step, path)

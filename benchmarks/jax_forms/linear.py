"""Matrix products and factorisations."""

import jax
import jax.numpy as jnp


@jax.jit
def gemm(alpha, beta, C, A, B):
    return alpha * jnp.dot(A, B) + beta * C


@jax.jit
def two_mm(alpha, beta, A, B, C, D):
    return alpha * jnp.dot(jnp.dot(A, B), C) + beta * D


@jax.jit
def three_mm(A, B, C, D):
    return jnp.dot(jnp.dot(A, B), jnp.dot(C, D))


@jax.jit
def atax(A, x):
    return jnp.dot(jnp.dot(A, x), A)


@jax.jit
def bicg(A, p, r):
    return jnp.dot(r, A), jnp.dot(A, p)


@jax.jit
def mvt(x1, x2, y1, y2, A):
    return x1 + jnp.dot(A, y1), x2 + jnp.dot(y2, A)


@jax.jit
def gesummv(alpha, beta, A, B, x):
    return alpha * jnp.dot(A, x) + beta * jnp.dot(B, x)


@jax.jit
def gemver(alpha, beta, A, u1, v1, u2, v2, w, x, y, z):
    A = A + jnp.outer(u1, v1) + jnp.outer(u2, v2)
    x = x + beta * jnp.dot(y, A) + z
    return A, w + alpha * jnp.dot(A, x), x


@jax.jit
def covariance(data):
    centred = data - jnp.mean(data, axis=0)
    return jnp.dot(centred.T, centred) / (data.shape[0] - 1.0)


@jax.jit
def correlation(data):
    spread = jnp.std(data, axis=0)
    spread = jnp.where(spread <= 0.1, 1.0, spread)
    scaled = (data - jnp.mean(data, axis=0)) / (jnp.sqrt(float(data.shape[0])) * spread)
    return jnp.dot(scaled.T, scaled)


@jax.jit
def cholesky(A):
    """JAX has one; the upper triangle stays what it was."""
    return jnp.tril(jnp.linalg.cholesky(A)) + jnp.triu(A, 1)


@jax.jit
def trisolv(L, x, b):
    return jax.scipy.linalg.solve_triangular(L, b, lower=True)

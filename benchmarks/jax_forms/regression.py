"""Logistic regression."""

import jax
import jax.numpy as jnp


@jax.jit
def logistic_regression(x, y, alpha, iterations):
    def step(_, w):
        p = 1.0 / (1.0 + jnp.exp(-jnp.dot(x, w)))
        return w - alpha * jnp.dot(x.T, p - y)

    return jax.lax.fori_loop(0, iterations, step, jnp.zeros(x.shape[1]))

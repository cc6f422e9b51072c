"""The programs of latency.py as one writes them for JAX."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def formula(a, b):
    return (a * b + a) / (b + 2.0) - 0.5 * jnp.exp(-a)


def loop(a):
    return jax.lax.fori_loop(0, a.shape[0], lambda i, total: total + a[i] * a[i], 0.0)


def fit(x, y, alpha, iterations):
    def step(_, w):
        p = 1.0 / (1.0 + jnp.exp(-jnp.dot(x, w)))
        return w - alpha * jnp.dot(x.T, p - y)

    return jax.lax.fori_loop(0, iterations, step, jnp.zeros(x.shape[1]))


def prepared(name: str) -> Callable[..., Any]:
    function = jax.jit({"formula": formula, "loop": loop, "fit": fit}[name])
    return lambda *arguments: jax.block_until_ready(function(*arguments))

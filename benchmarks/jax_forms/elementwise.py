"""Formulas and reductions."""

from functools import partial

import jax
import jax.numpy as jnp


@jax.jit
def add_one(a):
    return a + 1.0


@jax.jit
def chain(a, b):
    return (a * b + a) / (b + 2.0) - 0.5 * a


@jax.jit
def sigmoid(a):
    return 1.0 / (1.0 + jnp.exp(-a))


@jax.jit
def hypotenuse(a, b):
    return jnp.sqrt(a * a + b * b)


@jax.jit
def total(a):
    return jnp.sum(a)


@jax.jit
def largest(a):
    return jnp.max(a)


@jax.jit
def squares(a, b):
    return jnp.sum((a - b) * (a - b))


@jax.jit
def column_means(a):
    return jnp.mean(a, axis=0)


@jax.jit
def softmax(x):
    return jax.nn.softmax(x, axis=-1)


def normal(x):
    k = 1.0 / (1.0 + 0.2316419 * jnp.abs(x))
    polynomial = k * (
        0.319381530 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429)))
    )
    tail = 0.3989422804014327 * jnp.exp(-0.5 * x * x) * polynomial
    return jnp.where(x > 0, 1.0 - tail, tail)


@jax.jit
def black_scholes(price, strike, years, rate, volatility):
    spread = volatility * jnp.sqrt(years)
    d1 = (jnp.log(price / strike) + (rate + 0.5 * volatility * volatility) * years) / spread
    d2 = d1 - spread
    discounted = strike * jnp.exp(-rate * years)
    call = price * normal(d1) - discounted * normal(d2)
    return call, call - price + discounted


@jax.jit
def arc_distance(theta_1, phi_1, theta_2, phi_2):
    temp = (
        jnp.sin((theta_2 - theta_1) / 2) ** 2
        + jnp.cos(theta_1) * jnp.cos(theta_2) * jnp.sin((phi_2 - phi_1) / 2) ** 2
    )
    return 2 * jnp.arctan2(jnp.sqrt(temp), jnp.sqrt(1 - temp))


@partial(jax.jit, static_argnames=("columns", "rows"))
def mandelbrot(x_low, x_high, columns, y_low, y_high, rows, rounds, horizon):
    x = jnp.linspace(x_low, x_high, columns)
    y = jnp.linspace(y_low, y_high, rows)
    c = x + y[:, None] * 1j

    def step(n, state):
        counts, z = state
        inside = jnp.abs(z) < horizon
        return jnp.where(inside, n, counts), jnp.where(inside, z * z + c, z)

    start = jnp.zeros(c.shape, dtype=jnp.int64), jnp.zeros_like(c)
    return jax.lax.fori_loop(0, rounds, step, start)[0]

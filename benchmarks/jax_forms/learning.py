"""K-means and the network; the backward pass is JAX's own gradient."""

import jax
import jax.numpy as jnp


@jax.jit
def kmeans(points, centres, rounds):
    k = centres.shape[0]

    def step(_, centres):
        apart = points[:, None, :] - centres[None, :, :]
        nearest = jnp.argmin(jnp.sum(apart * apart, axis=2), axis=1)
        sums = jax.ops.segment_sum(points, nearest, num_segments=k)
        counts = jax.ops.segment_sum(jnp.ones(points.shape[0]), nearest, num_segments=k)
        return sums / counts[:, None]

    return jax.lax.fori_loop(0, rounds, step, centres)


def scores(x, w1, b1, w2, b2, w3, b3):
    hidden = jax.nn.relu(jnp.dot(x, w1) + b1)
    hidden = jax.nn.relu(jnp.dot(hidden, w2) + b2)
    return jnp.dot(hidden, w3) + b3


@jax.jit
def mlp(x, *layers):
    return jax.nn.softmax(scores(x, *layers), axis=-1)


def loss(layers, x, labels):
    return -jnp.sum(labels * jax.nn.log_softmax(scores(x, *layers), axis=-1)) / x.shape[0]


@jax.jit
def mlp_step(x, labels, rate, *layers):
    slopes = jax.grad(loss)(layers, x, labels)
    return tuple(old - rate * slope for old, slope in zip(layers, slopes, strict=True))

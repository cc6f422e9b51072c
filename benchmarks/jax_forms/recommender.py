"""The listing, its loops as fori_loop."""

from functools import partial

import jax
import jax.numpy as jnp


@partial(jax.jit, static_argnames=("factors",))
def recommend(ratings, reg, factors, rounds, alpha, X, Y):
    users, items = ratings.shape
    conf = alpha * ratings
    eye_f, eye_i, eye_u = jnp.identity(factors), jnp.identity(items), jnp.identity(users)

    def solve(gram, others, confidence, eye):
        c = jnp.diag(confidence)
        liked = (confidence != 0).astype(others.dtype)
        A = gram + jnp.dot(jnp.dot(others.T, c), others)
        b = jnp.dot(jnp.dot(others.T, c + eye), liked)
        return jnp.dot(jnp.linalg.inv(A), b)

    def one_round(_, both):
        X, Y = both
        yty = jnp.dot(Y.T, Y) + reg * eye_f
        xtx = jnp.dot(X.T, X) + reg * eye_f
        X = jax.lax.fori_loop(
            0, users, lambda u, X: X.at[u, :].set(solve(yty, Y, conf[u, :], eye_i)), X
        )
        Y = jax.lax.fori_loop(
            0, items, lambda i, Y: Y.at[i, :].set(solve(xtx, X, conf[:, i], eye_u)), Y
        )
        return X, Y

    return jnp.vstack(jax.lax.fori_loop(0, rounds, one_round, (X, Y)))

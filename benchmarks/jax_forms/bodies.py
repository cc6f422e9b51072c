"""N-body."""

import jax
import jax.numpy as jnp


def accelerations(pos, mass, softening):
    apart = pos[None, :, :] - pos[:, None, :]
    near = (jnp.sum(apart**2, axis=2) + softening**2) ** (-1.5)
    return jnp.einsum("ijk,ij,j->ik", apart, near, mass)


@jax.jit
def nbody(mass, pos, vel, steps, dt, softening):
    def step(_, state):
        pos, vel, acc = state
        vel = vel + acc * (dt / 2.0)
        pos = pos + vel * dt
        acc = accelerations(pos, mass, softening)
        return pos, vel + acc * (dt / 2.0), acc

    start = pos, vel, accelerations(pos, mass, softening)
    return jax.lax.fori_loop(0, steps, step, start)[:2]

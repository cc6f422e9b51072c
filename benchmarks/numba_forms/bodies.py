"""N-body: a parallel loop over stars."""

import numpy as np
from numba import njit, prange


@njit(parallel=True, cache=True, fastmath=False)
def accelerations(pos, mass, softening):
    n = mass.shape[0]
    acc = np.zeros((n, 3))
    for i in prange(n):
        ax = ay = az = 0.0
        for j in range(n):
            dx = pos[j, 0] - pos[i, 0]
            dy = pos[j, 1] - pos[i, 1]
            dz = pos[j, 2] - pos[i, 2]
            apart = dx * dx + dy * dy + dz * dz + softening * softening
            pull = mass[j] / (apart * np.sqrt(apart))
            ax += dx * pull
            ay += dy * pull
            az += dz * pull
        acc[i, 0] = ax
        acc[i, 1] = ay
        acc[i, 2] = az
    return acc


@njit(cache=True)
def nbody(mass, pos, vel, steps, dt, softening):
    acc = accelerations(pos, mass, softening)
    for _ in range(steps):
        vel += acc * (dt / 2.0)
        pos += vel * dt
        acc = accelerations(pos, mass, softening)
        vel += acc * (dt / 2.0)
    return pos, vel

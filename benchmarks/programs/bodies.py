"""Stars that attract each other, whole arrays at a time."""

import numpy as np

from programs.row import Arguments, Row


def accelerations(pos, mass, softening):
    x, y, z = pos[:, 0], pos[:, 1], pos[:, 2]
    dx = x[None, :] - x[:, None]
    dy = y[None, :] - y[:, None]
    dz = z[None, :] - z[:, None]
    near = (dx**2 + dy**2 + dz**2 + softening**2) ** (-1.5)
    ax = np.dot(dx * near, mass)
    ay = np.dot(dy * near, mass)
    az = np.dot(dz * near, mass)
    return np.stack((ax, ay, az), axis=1)


def nbody(mass, pos, vel, steps, dt, softening):
    """Leapfrog: kick, drift, kick."""
    acc = accelerations(pos, mass, softening)
    for _ in range(steps):
        vel += acc * (dt / 2.0)
        pos += vel * dt
        acc = accelerations(pos, mass, softening)
        vel += acc * (dt / 2.0)
    return pos, vel


def stars(n: int, steps: int) -> Arguments:
    random = np.random.default_rng(0)
    mass = 20.0 * np.ones(n) / n
    return mass, random.standard_normal((n, 3)), random.standard_normal((n, 3)), steps, 0.01, 0.1


ROWS = (
    Row("nbody", "n-body, 1000 stars, 10 steps of whole arrays", "array", nbody, stars,
        (1000, 10), (6, 3), writes=True),
)  # fmt: skip

"""Loops whose iterations are independent, as parallel ones; all others run from their source."""

import numpy as np
from numba import njit, prange


@njit(parallel=True, cache=True)
def floyd_warshall_loops(path):
    n = path.shape[0]
    for k in range(n):
        for i in prange(n):
            for j in range(n):
                if path[i, k] + path[k, j] < path[i, j]:
                    path[i, j] = path[i, k] + path[k, j]
    return path


@njit(parallel=True, cache=True)
def mandelbrot_loops(width, height, rounds):
    counts = np.zeros((height, width), dtype=np.int64)
    for i in prange(height):
        for j in range(width):
            cr = -2.25 + 3.0 * j / width
            ci = -1.25 + 2.5 * i / height
            zr = 0.0
            zi = 0.0
            n = 0
            while n < rounds and zr * zr + zi * zi < 4.0:
                zr, zi = zr * zr - zi * zi + cr, 2.0 * zr * zi + ci
                n += 1
            counts[i, j] = n
    return counts


@njit(parallel=True, cache=True)
def nbody_loops(mass, pos, vel, steps, dt):
    n = mass.shape[0]
    for _ in range(steps):
        for i in prange(n):
            ax = 0.0
            ay = 0.0
            az = 0.0
            for j in range(n):
                dx = pos[j, 0] - pos[i, 0]
                dy = pos[j, 1] - pos[i, 1]
                dz = pos[j, 2] - pos[i, 2]
                apart = dx * dx + dy * dy + dz * dz + 0.01
                pull = mass[j] / (apart * apart**0.5)
                ax += dx * pull
                ay += dy * pull
                az += dz * pull
            vel[i, 0] += ax * dt
            vel[i, 1] += ay * dt
            vel[i, 2] += az * dt
        for i in range(n):
            for k in range(3):
                pos[i, k] += vel[i, k] * dt
    return pos, vel


@njit(parallel=True, cache=True)
def spmv(starts, columns, values, x):
    y = np.zeros(starts.shape[0] - 1)
    for i in prange(y.shape[0]):
        total = 0.0
        for k in range(starts[i], starts[i + 1]):
            total += values[k] * x[columns[k]]
        y[i] = total
    return y

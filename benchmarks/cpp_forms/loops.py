"""Explicit loops in C++ (loops.cpp), called with the arguments of their Python forms."""

import ctypes

import numpy as np

from cpp_forms import library

LOOPS = library("loops.cpp")
LOOPS.fibonacci.restype = ctypes.c_int64


def at(array):
    return ctypes.c_void_p(array.ctypes.data)


def whole(number):
    return ctypes.c_int64(number)


def real(number):
    return ctypes.c_double(number)


def seidel_2d(steps, A):
    LOOPS.seidel_2d(whole(steps), at(A), whole(A.shape[0]))
    return A


def floyd_warshall_loops(path):
    LOOPS.floyd_warshall_loops(at(path), whole(path.shape[0]))
    return path


def cholesky_loops(A):
    LOOPS.cholesky_loops(at(A), whole(A.shape[0]))
    return A


def lu_loops(A):
    LOOPS.lu_loops(at(A), whole(A.shape[0]))
    return A


def durbin_loops(r):
    y, z = np.zeros_like(r), np.zeros_like(r)
    LOOPS.durbin_loops(at(r), whole(r.shape[0]), at(y), at(z))
    return y


def trisolv_loops(L, x, b):
    LOOPS.trisolv_loops(at(L), at(x), at(b), whole(x.shape[0]))
    return x


def mandelbrot_loops(width, height, rounds):
    counts = np.zeros((height, width), dtype=np.int64)
    LOOPS.mandelbrot_loops(whole(width), whole(height), whole(rounds), at(counts))
    return counts


def nbody_loops(mass, pos, vel, steps, dt):
    stars = whole(mass.shape[0])
    LOOPS.nbody_loops(at(mass), at(pos), at(vel), stars, whole(steps), real(dt))
    return pos, vel


def spmv(starts, columns, values, x):
    y = np.zeros(starts.shape[0] - 1)
    LOOPS.spmv(at(starts), at(columns), at(values), at(x), at(y), whole(y.shape[0]))
    return y


def histogram(values, bins, low, high):
    counts = np.zeros(bins, dtype=np.int64)
    size = whole(values.shape[0])
    LOOPS.histogram(at(values), size, whole(bins), real(low), real(high), at(counts))
    return counts


def fibonacci(n):
    return LOOPS.fibonacci(whole(n))

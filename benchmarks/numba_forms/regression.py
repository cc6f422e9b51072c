"""Logistic regression: the products stay with BLAS, the formula between them is one loop."""

import numpy as np
from numba import njit, prange


@njit(parallel=True, cache=True)
def logistic_regression(x, y, alpha, iterations):
    w = np.zeros(x.shape[1])
    xt = x.T
    for _ in range(iterations):
        s = np.dot(x, w)
        for i in prange(s.shape[0]):
            s[i] = 1.0 / (1.0 + np.exp(-s[i])) - y[i]
        w = w - alpha * np.dot(xt, s)
    return w

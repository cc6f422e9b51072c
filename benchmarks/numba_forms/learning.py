"""K-means and the network; matrix products stay with BLAS."""

import numpy as np
from numba import njit, prange


@njit(parallel=True, cache=True)
def kmeans(points, centres, rounds):
    n, features = points.shape
    k = centres.shape[0]
    nearest = np.empty(n, dtype=np.int64)
    for _ in range(rounds):
        for i in prange(n):
            best, least = 0, np.inf
            for c in range(k):
                apart = 0.0
                for f in range(features):
                    d = points[i, f] - centres[c, f]
                    apart += d * d
                if apart < least:
                    best, least = c, apart
            nearest[i] = best
        sums = np.zeros((k, features))
        counts = np.zeros(k)
        for i in range(n):
            counts[nearest[i]] += 1
            for f in range(features):
                sums[nearest[i], f] += points[i, f]
        for c in range(k):
            for f in range(features):
                centres[c, f] = sums[c, f] / counts[c]
    return centres


@njit(parallel=True, cache=True)
def add_and_relu(x, b):
    for i in prange(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] = max(x[i, j] + b[j], 0.0)
    return x


@njit(parallel=True, cache=True)
def probabilities(x, b):
    for i in prange(x.shape[0]):
        x[i] += b
        x[i] = np.exp(x[i] - x[i].max())
        x[i] /= x[i].sum()
    return x


@njit(parallel=True, cache=True)
def only_where(d, h):
    for i in prange(d.shape[0]):
        for j in range(d.shape[1]):
            if h[i, j] <= 0:
                d[i, j] = 0.0
    return d


@njit(parallel=True, cache=True)
def mlp(x, w1, b1, w2, b2, w3, b3):
    hidden = add_and_relu(np.dot(x, w1), b1)
    hidden = add_and_relu(np.dot(hidden, w2), b2)
    return probabilities(np.dot(hidden, w3), b3)


@njit(parallel=True, cache=True)
def mlp_step(x, labels, rate, w1, b1, w2, b2, w3, b3):
    h1 = add_and_relu(np.dot(x, w1), b1)
    h2 = add_and_relu(np.dot(h1, w2), b2)
    d3 = (probabilities(np.dot(h2, w3), b3) - labels) / x.shape[0]
    d2 = only_where(np.dot(d3, w3.T), h2)
    d1 = only_where(np.dot(d2, w2.T), h1)
    w3 -= rate * np.dot(h2.T, d3)
    b3 -= rate * np.sum(d3, axis=0)
    w2 -= rate * np.dot(h1.T, d2)
    b2 -= rate * np.sum(d2, axis=0)
    w1 -= rate * np.dot(x.T, d1)
    b1 -= rate * np.sum(d1, axis=0)
    return w1, b1, w2, b2, w3, b3

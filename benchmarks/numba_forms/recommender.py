"""The listing; Numba multiplies no booleans, so `liked` becomes numbers."""

import numpy as np
from numba import njit


@njit(parallel=True, cache=True)
def recommend(ratings, reg, factors, rounds, alpha, X, Y):
    users, items = ratings.shape
    conf = alpha * ratings
    eye_f, eye_i, eye_u = np.identity(factors), np.identity(items), np.identity(users)
    for _ in range(rounds):
        yty = np.dot(np.transpose(Y), Y) + reg * eye_f
        xtx = np.dot(np.transpose(X), X) + reg * eye_f
        for u in range(users):
            c = np.diag(conf[u, :])
            liked = (conf[u, :] != 0).astype(np.float64)
            A = yty + np.dot(np.dot(np.transpose(Y), c), Y)
            b = np.dot(np.dot(np.transpose(Y), c + eye_i), liked)
            X[u, :] = np.dot(np.linalg.inv(A), b)
        for i in range(items):
            column = conf[:, i].copy()
            c = np.diag(column)
            liked = (column != 0).astype(np.float64)
            A = xtx + np.dot(np.dot(np.transpose(X), c), X)
            b = np.dot(np.dot(np.transpose(X), c + eye_u), liked)
            Y[i, :] = np.dot(np.linalg.inv(A), b)
    return np.vstack((X, Y))

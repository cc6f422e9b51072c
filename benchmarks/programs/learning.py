"""K-means and a network of three layers, forward and backward."""

import itertools

import numpy as np

from programs.row import Arguments, Row, numbers


def kmeans(points, centres, rounds):
    """Lloyd's rounds: the nearest centre of every point, the mean of every centre's points."""
    for _ in range(rounds):
        apart = points[:, None, :] - centres[None, :, :]
        nearest = np.argmin(np.sum(apart * apart, axis=2), axis=1)
        for k in range(centres.shape[0]):
            centres[k] = np.mean(points[nearest == k], axis=0)
    return centres


def relu(x):
    return np.maximum(x, 0.0)


def probabilities(x):
    powers = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)


def mlp(x, w1, b1, w2, b2, w3, b3):
    hidden = relu(np.dot(x, w1) + b1)
    hidden = relu(np.dot(hidden, w2) + b2)
    return probabilities(np.dot(hidden, w3) + b3)


def mlp_step(x, labels, rate, w1, b1, w2, b2, w3, b3):
    """Forward, backward, and one step down the gradient of the cross entropy."""
    h1 = relu(np.dot(x, w1) + b1)
    h2 = relu(np.dot(h1, w2) + b2)
    d3 = (probabilities(np.dot(h2, w3) + b3) - labels) / x.shape[0]
    d2 = np.dot(d3, w3.T) * (h2 > 0)
    d1 = np.dot(d2, w2.T) * (h1 > 0)
    w3 -= rate * np.dot(h2.T, d3)
    b3 -= rate * np.sum(d3, axis=0)
    w2 -= rate * np.dot(h1.T, d2)
    b2 -= rate * np.sum(d2, axis=0)
    w1 -= rate * np.dot(x.T, d1)
    b1 -= rate * np.sum(d1, axis=0)
    return w1, b1, w2, b2, w3, b3


def clusters(n: int, features: int, k: int, rounds: int) -> Arguments:
    random = np.random.default_rng(0)
    true = 10 * random.standard_normal((k, features))
    points = true[np.arange(n) % k] + random.standard_normal((n, features))
    return points, points[:k].copy(), rounds


def network(batch: int, *widths: int) -> Arguments:
    layers: list[np.ndarray] = []
    for seed, (before, after) in enumerate(itertools.pairwise(widths)):
        layers += [(numbers(before, after, seed=seed + 1) - 0.5) / before**0.5, np.zeros(after)]
    return numbers(batch, widths[0]), *layers


def labelled(batch: int, *widths: int) -> Arguments:
    x, *layers = network(batch, *widths)
    labels = np.zeros((batch, widths[-1]))
    labels[np.arange(batch), np.arange(batch) % widths[-1]] = 1.0
    return x, labels, 0.1, *layers


ROWS = (
    Row("kmeans", "k-means, 50000 points of 8 numbers, 16 centres, 5 rounds", "array", kmeans,
        clusters, (50000, 8, 16, 5), (40, 3, 4, 2), writes=True),
    Row("mlp", "3 layers forward, 2048 × 784 → 512 → 256 → 10", "array", mlp, network,
        (2048, 784, 512, 256, 10), (6, 5, 4, 3, 2)),
    Row("mlp-step", "the same backward as well, one step", "array", mlp_step, labelled,
        (2048, 784, 512, 256, 10), (6, 5, 4, 3, 2), writes=True),
)  # fmt: skip

"""What test_images.py runs inside of images: it travels as a module, so it imports little."""

import time

import numpy as np

import jetlag as jl

MARK = "/etc/jetlag-image"  # holds the name of the image


def where() -> str:
    with open(MARK) as file:
        return file.read()


@jl.jit
def descend(x, y, rate, rounds):
    w = np.zeros(x.shape[1])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.dot(x, w)))
        w = w - rate * np.dot(x.T, p - y)
    return w


def fails() -> float:
    print(where())
    return 1 / 0


def chatty(n: int) -> int:
    for i in range(n):
        print("line", i, where(), flush=True)
        jl.progress(i + 1, n)
        time.sleep(0.1)
    return n


def waits(seconds: float) -> None:
    print("begun", flush=True)
    time.sleep(seconds)

"""Formulas and reductions as one parallel loop each."""

import numpy as np
from numba import njit, prange


@njit(parallel=True, cache=True)
def chain(a, b):
    out = np.empty_like(a)
    for i in prange(a.shape[0]):
        out[i] = (a[i] * b[i] + a[i]) / (b[i] + 2.0) - 0.5 * a[i]
    return out


@njit(parallel=True, cache=True)
def total(a):
    result = 0.0
    for i in prange(a.shape[0]):
        result += a[i]
    return result


@njit(parallel=True, cache=True)
def largest(a):
    result = a[0]
    for i in prange(1, a.shape[0]):
        result = max(result, a[i])
    return result


@njit(parallel=True, cache=True)
def squares(a, b):
    result = 0.0
    for i in prange(a.shape[0]):
        result += (a[i] - b[i]) * (a[i] - b[i])
    return result


@njit(parallel=True, cache=True)
def column_means(a):
    result = np.zeros(a.shape[1])
    for i in prange(a.shape[0]):
        result += a[i]
    return result / a.shape[0]


@njit(parallel=True, cache=True)
def softmax(x):
    rows = x.reshape(-1, x.shape[-1])
    out = np.empty_like(rows)
    for i in prange(rows.shape[0]):
        largest = rows[i].max()
        total = 0.0
        for j in range(rows.shape[1]):
            out[i, j] = np.exp(rows[i, j] - largest)
            total += out[i, j]
        for j in range(rows.shape[1]):
            out[i, j] /= total
    return out.reshape(x.shape)


@njit(cache=True)
def normal(x):
    k = 1.0 / (1.0 + 0.2316419 * abs(x))
    polynomial = k * (
        0.319381530 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429)))
    )
    tail = 0.3989422804014327 * np.exp(-0.5 * x * x) * polynomial
    return 1.0 - tail if x > 0 else tail


@njit(parallel=True, cache=True)
def black_scholes(price, strike, years, rate, volatility):
    call = np.empty_like(price)
    put = np.empty_like(price)
    for i in prange(price.shape[0]):
        spread = volatility * np.sqrt(years[i])
        d1 = np.log(price[i] / strike[i]) + (rate + 0.5 * volatility * volatility) * years[i]
        d1 /= spread
        d2 = d1 - spread
        discounted = strike[i] * np.exp(-rate * years[i])
        call[i] = price[i] * normal(d1) - discounted * normal(d2)
        put[i] = call[i] - price[i] + discounted
    return call, put


@njit(parallel=True, cache=True)
def arc_distance(theta_1, phi_1, theta_2, phi_2):
    out = np.empty_like(theta_1)
    for i in prange(out.shape[0]):
        a = np.sin((theta_2[i] - theta_1[i]) / 2)
        b = np.sin((phi_2[i] - phi_1[i]) / 2)
        temp = a * a + np.cos(theta_1[i]) * np.cos(theta_2[i]) * b * b
        out[i] = 2 * np.arctan2(np.sqrt(temp), np.sqrt(1 - temp))
    return out


@njit(parallel=True, cache=True)
def mandelbrot(x_low, x_high, columns, y_low, y_high, rows, rounds, horizon):
    x = np.linspace(x_low, x_high, columns)
    y = np.linspace(y_low, y_high, rows)
    counts = np.zeros((rows, columns), dtype=np.int64)
    z = np.zeros((rows, columns), dtype=np.complex128)
    for n in range(rounds):
        for i in prange(rows):
            for j in range(columns):
                if abs(z[i, j]) < horizon:
                    counts[i, j] = n
                    z[i, j] = z[i, j] * z[i, j] + complex(x[j], y[i])
    return counts

"""Programs as one writes them for Numba, under the names of their NumPy forms.

A program that is not here runs from its NumPy form under `njit(parallel=True)`.
"""

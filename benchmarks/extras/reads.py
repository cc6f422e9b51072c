"""How often a round of logistic regression reads x from memory, as cachegrind sees it."""

import shutil
from typing import Any

import one_read
from extras.base import Context, Extra

SIZE, ROUNDS = 2000, 4


def measure(context: Context) -> dict[str, Any]:
    context.tell("cachegrind")
    if shutil.which("valgrind") is None:
        return {"error": "absent: valgrind is not installed"}
    n = 300 if context.options.tiny else SIZE
    return {"size": n, "reads": one_read.reads_per_round(n, ROUNDS)}


def text(data: dict[str, Any]) -> str:
    if "error" in data:
        return data["error"]
    return f"x of {data['size']} x {data['size']}: {data['reads']:.3f} times a round"


EXTRAS = (Extra("reads", "Reads of x in a round of logistic regression", measure, text),)

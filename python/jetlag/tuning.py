"""Settings of a program, found by trying: `jl.tune`, and `jl.tuned`, which remembers."""

from __future__ import annotations

import copy
import inspect
import json
import math
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from jetlag.spaces import KNOB, Candidate, Session, Space, Values, keywords, knob, turned
from jetlag.trials import Trial, Tuned

# A first run this much slower than the best's median, and slower than the slowest of its runs,
# is not worth repeating.
_CLEARLY = 1.2

_unkept: dict[tuple[str, ...], str] = {}  # results that a folder did not take, by it and the key


def tune(
    function: Callable[..., Any],
    space: Space | dict[str, Any],
    /,
    *args: Any,  # noqa: ANN401
    strategy: str | None = None,
    trials: int = 30,
    repeats: int = 3,
    budget: float | None = None,
    seed: int = 0,
    start: Values | None = None,
    warmup: int | None = None,
    cost: Callable[[Any, float], float] | None = None,
    check: bool | Callable[[Any, Any], object] = False,
    keep: bool = True,
    on_trial: Callable[[Trial], object] | None = None,
    **kwargs: Any,  # noqa: ANN401
) -> Tuned:
    """Find values of a function's parameters with which it takes the least time.

    `function(*args, **kwargs)` is called with the values of each candidate of `space` by keyword.
    Its cost is the median time of `repeats` calls; a candidate whose first call is clearly slower
    than the best is not called again. At most `trials` candidates are tried, and no new one is
    begun after `budget` seconds. The first is `start`, or what was found before, or else the
    function's own defaults.

    `warmup` calls are made before those that count (one, if the function is marked `jl.jit`).
    `cost(result, seconds)` says what else is to be small. `check=True` makes a candidate fail
    whose result differs from the first; `check=f` one for which `f(result, first)` is false.
    `on_trial` is called with each `Trial`. What was found is kept on disk for `jl.tuned`, for this
    machine, program and class of arguments, unless `keep=False`; Ctrl-C keeps it as well.
    """
    options = _Options(strategy, trials, repeats, budget, seed, start, warmup, cost, check)
    search = _Search(function, _space(space), args, kwargs, options, on_trial)
    key = _key(function, search.space, args, kwargs, cost) if keep else None
    if key is not None and search.start is None:
        found = _load(key, function, search.space)
        search.start = found.best if found else None
    try:
        search.run()
    except KeyboardInterrupt as stop:
        if search.best is not None and key is not None:
            _store(key, search.tuned(), search.space)
            stop.add_note(f"jl.tuned begins with the best of {len(search.trials)} trials")
        raise
    result = search.tuned()
    if key is not None:
        _store(key, result, search.space)
    return result


def tuned(
    function: Callable[..., Any],
    space: Space | dict[str, Any],
    /,
    *args: Any,  # noqa: ANN401
    **options: Any,  # noqa: ANN401
) -> Tuned:
    """What `tune` found for this machine, program and class of arguments; else `tune` it now.

    Takes what `tune` takes. An earlier process may have found it.
    """
    kwargs = {name: value for name, value in options.items() if name not in _OPTIONS}
    if options.get("keep", True):
        whole = _space(space)
        found = _load(_key(function, whole, args, kwargs, options.get("cost")), function, whole)
        if found is not None:
            return found
    return tune(function, space, *args, **options)


_OPTIONS = frozenset(tune.__kwdefaults__ or {})


def _space(space: Space | dict[str, Any]) -> Space:
    return space if isinstance(space, Space) else Space(space)


# ---- the search ----


@dataclass(frozen=True)
class _Options:
    strategy: str | None
    trials: int
    repeats: int
    budget: float | None
    seed: int
    start: Values | None
    warmup: int | None
    cost: Callable[[Any, float], float] | None
    check: bool | Callable[[Any, Any], object]

    def __post_init__(self) -> None:
        for name, least in (("trials", 1), ("repeats", 1), ("warmup", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")
        if self.budget is not None and not self.budget > 0:
            raise ValueError(f"budget must be a positive number of seconds, not {self.budget}")


class _Failed(Exception):
    """Why a candidate cannot be used, although no call of it raised."""


class _Search:
    """One run of `tune`."""

    def __init__(
        self,
        function: Callable[..., Any],
        space: Space,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: _Options,
        on_trial: Callable[[Trial], object] | None,
    ) -> None:
        twice = sorted(kwargs.keys() & space.parameters.keys())
        if twice:
            raise TypeError(f"{', '.join(twice)} cannot be both given and tuned")
        self.function, self.args, self.kwargs = function, args, kwargs
        self.space, self.options, self.on_trial = space, options, on_trial
        self.start = options.start
        self.trials: list[Trial] = []
        self.best: Trial | None = None
        self.error: Exception | None = None  # the first of a failed trial
        self.strategy = options.strategy or (
            "hill-climbing" if space.count(options.trials) is None else "exhaustive"
        )
        self._reference: list[Any] = []  # the first result, once there is one
        self._began = time.perf_counter()

    def run(self) -> None:
        start = _defaults(self.function, self.space) if self.start is None else self.start
        session = self.space.session(self.strategy, self.options.seed, start)
        while len(self.trials) < self.options.trials and not (self.trials and self._is_late()):
            candidate = session.ask()
            if candidate is None:
                break
            self._try(session, candidate)
        if self.best is None:
            first = self.trials[0].message
            count = len(self.trials)
            raise RuntimeError(
                f"none of {count} trials succeeded; the first said: {first}"
            ) from self.error

    def tuned(self) -> Tuned:
        assert self.best is not None
        assert self.best.cost is not None
        return Tuned(
            self.function,
            self.best.values,
            self.best.cost,
            self.trials,
            self.strategy,
            f"{_name(self.function)}({_shapes(self.args, self.kwargs)})",
            self.options.cost is None,
        )

    def _is_late(self) -> bool:
        budget = self.options.budget
        return budget is not None and time.perf_counter() - self._began >= budget

    def _try(self, session: Session, candidate: Candidate) -> None:
        costs: list[float] = []
        message = ""
        try:
            with turned(candidate.values):
                self._measure(keywords(candidate.values), costs)
        except Exception as error:
            self.error = self.error or error
            message = str(error) if isinstance(error, _Failed) else _words(error)
        cost = None if message else statistics.median(costs)
        discarded = len(costs) == 1 < self.options.repeats and self._is_clearly_worse(costs[0])
        state = "failed" if message else "discarded" if discarded else "measured"
        trial = Trial(candidate.id, candidate.values, cost, tuple(costs), state, message)
        if cost is None:
            session.fail(candidate)
        else:
            session.tell(candidate, cost)
            if self.best is None or self.best.cost is None or cost < self.best.cost:
                self.best = trial
        self.trials.append(trial)
        self._report(trial)

    def _measure(self, values: Values, costs: list[float]) -> None:
        warmup = self.options.warmup
        if warmup is None:
            warmup = 1 if hasattr(self.function, "physl") else 0
        for _ in range(warmup):
            self.function(*self.args, **self.kwargs, **values)
        for repeat in range(self.options.repeats):
            began = time.perf_counter()
            result = self.function(*self.args, **self.kwargs, **values)
            seconds = time.perf_counter() - began
            if repeat == 0:
                self._check(result)
            cost = self.options.cost(result, seconds) if self.options.cost else seconds
            if not math.isfinite(cost):
                raise _Failed(f"its cost is {cost}")
            costs.append(float(cost))
            if (repeat == 0 and self._is_clearly_worse(costs[0])) or self._is_late():
                break

    def _is_clearly_worse(self, cost: float) -> bool:
        if self.best is None or self.best.cost is None:
            return False
        limit = self.best.cost + (_CLEARLY - 1) * abs(self.best.cost)
        return cost > limit and cost > max(self.best.costs)

    def _check(self, result: object) -> None:
        check = self.options.check
        if check is False:
            return
        if not self._reference:
            # The function may give out the same array again and again.
            self._reference.append(copy.deepcopy(result))
        elif not (_same if check is True else check)(result, self._reference[0]):
            raise _Failed("its result is not that of the first")

    def _report(self, trial: Trial) -> None:
        if self.on_trial is None:
            return
        try:
            self.on_trial(trial)
        except Exception as error:
            self.on_trial = None
            message = f"on_trial is not called again: {_words(error)}"
            warnings.warn(message, RuntimeWarning, stacklevel=5)


def _words(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _same(a: Any, b: Any) -> bool:  # noqa: ANN401
    """Whether two results are equal, bit for bit where they are arrays or numbers.

    >>> _same([1, (0.0, float("nan"))], [1, (0.0, float("nan"))]), _same(0.0, -0.0), _same(1, True)
    (True, False, False)
    """
    import numpy as np

    if type(a) is not type(b):
        return False
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray) and a.dtype != object:
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    if isinstance(a, float | complex):
        return np.asarray(a).tobytes() == np.asarray(b).tobytes()
    return bool(np.all(a == b))


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _defaults(function: Callable[..., Any], space: Space) -> Values | None:
    """The values that the parameters have without tuning, where the space has them."""
    try:
        signature = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
    values = {}
    for name in space.parameters:
        if name.startswith(KNOB):
            value = knob(name)[0]()
        else:
            value = signature[name].default if name in signature else inspect.Parameter.empty
        if value is not inspect.Parameter.empty and _fits(space, name, value):
            values[name] = value
    return values or None


def _fits(space: Space, name: str, value: object) -> bool:
    try:
        space.session("random", start={name: value})
    except (TypeError, ValueError):
        return False
    return True


# ---- what was found, from process to process ----

Key = tuple[str, str, str]


def _shapes(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    from jetlag import fingerprint

    return fingerprint.shapes(args, kwargs)


def _key(
    function: Callable[..., Any],
    space: Space,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    cost: Callable[[Any, float], float] | None,
) -> Key:
    from jetlag import fingerprint
    from jetlag.engine import core

    program = fingerprint.program(function, repr(space), space.where, cost)
    return core().this_machine(), program, fingerprint.shapes(args, kwargs)


def _store(key: Key, result: Tuned, space: Space) -> None:
    """Keep a result on disk; say so if no folder takes it, and keep it for this process."""
    from jetlag.engine import core

    trials: Sequence[dict[str, Any]] = [
        {**asdict(trial), "values": space.encode(trial.values)} for trial in result.trials
    ]
    kept = {
        "function": _name(result.function),
        "best": space.encode(result.best),
        "cost": result.cost,
        "strategy": result.strategy,
        "title": result.title,
        "in_seconds": result.in_seconds,
        "trials": trials,
    }
    text = json.dumps(kept)
    place = (core().results_folder(), *key)
    try:
        core().store_result(*key, text)
        _unkept.pop(place, None)
    except OSError as error:
        _unkept[place] = text
        message = f"what tuning found is only known to this process: {error}"
        warnings.warn(message, RuntimeWarning, stacklevel=3)


def _load(key: Key, function: Callable[..., Any], space: Space) -> Tuned | None:
    """What was kept under the key, if it makes sense."""
    from jetlag.engine import core

    text = _unkept.get((core().results_folder(), *key)) or core().load_result(*key)
    try:
        kept = json.loads(text or "")
        if not space.holds(kept["best"]):
            return None
        trials = [
            Trial(**{**row, "values": space.decode(row["values"]), "costs": tuple(row["costs"])})
            for row in kept["trials"]
        ]
        return Tuned(
            function,
            space.decode(kept["best"]),
            float(kept["cost"]),
            trials,
            str(kept["strategy"]),
            str(kept["title"]),
            bool(kept["in_seconds"]),
            kept=True,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None

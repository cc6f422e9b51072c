"""What tuning tried and found: the trials, as text, as HTML and as data, and the tuned function."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from jetlag.explanation import TIMES, quantity
from jetlag.spaces import Values, keywords, text_of, turned


@dataclass(frozen=True)
class Trial:
    """A candidate that was tried."""

    number: int
    values: Values
    cost: float | None  # the median of the costs; None if it failed
    costs: tuple[float, ...]
    state: str  # "measured", "discarded" after its first run, or "failed"
    message: str = ""  # why it failed


@dataclass
class Tuned:
    """A function with the best values of its parameters that were found; calls as it does.

    `best` holds the values, `cost` what they cost (in seconds, unless a cost was given), `trials`
    all that was tried. `kept` says that an earlier process found them.
    """

    function: Callable[..., Any] = field(repr=False)
    best: Values
    cost: float
    trials: list[Trial] = field(repr=False)
    strategy: str
    title: str
    in_seconds: bool = True
    kept: bool = False

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Call the function with the best values; knobs are turned for as long as it runs."""
        with turned(self.best):
            return self.function(*args, **{**keywords(self.best), **kwargs})

    @property
    def gain(self) -> float | None:
        """How many times less the best costs than the first that was measured."""
        first = next((trial.cost for trial in self.trials if trial.cost is not None), None)
        return first / self.cost if first and self.cost > 0 else None

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values; docs/tuning.md describes the keys."""
        return {
            "title": self.title,
            "strategy": self.strategy,
            "kept": self.kept,
            "unit": "s" if self.in_seconds else "",
            "best": self.best,
            "cost": self.cost,
            "gain": self.gain,
            "trials": [asdict(trial) for trial in self.trials],
        }

    def __str__(self) -> str:
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([self._heading(), *lines, self._summary()])

    def _repr_html_(self) -> str:
        head, *rows = (
            "".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in self._rows()
        )
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        caption = html.escape(self._heading())
        head = head.replace("td>", "th>")
        summary = html.escape(self._summary())
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table><p>{summary}</p>"

    def _heading(self) -> str:
        count = f"{len(self.trials)} {'trial' if len(self.trials) == 1 else 'trials'}"
        return f"{self.title}: {self.strategy}, {count}{', kept on disk' if self.kept else ''}"

    def _summary(self) -> str:
        gain = f", {self.gain:.3g} times less than the first" if self.gain else ""
        return f"best: {text_of(self.best)}, {self._amount(self.cost)}{gain}"

    def _rows(self) -> list[list[str]]:
        rows = [["trial", "values", "cost", "least", "most", "runs", "state"]]
        for trial in self.trials:
            mark = " *" if trial.values == self.best else ""
            least, most = (f(trial.costs) if trial.costs else None for f in (min, max))
            message = f": {trial.message}" if trial.message else ""
            rows.append(
                [
                    f"{trial.number}{mark}",
                    text_of(trial.values),
                    *(self._amount(cost) for cost in (trial.cost, least, most)),
                    str(len(trial.costs)),
                    f"{trial.state}{message}",
                ]
            )
        return rows

    def _amount(self, cost: float | None) -> str:
        if cost is None:
            return "-"
        return quantity(cost, TIMES) if self.in_seconds else f"{cost:.4g}"

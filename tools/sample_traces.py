"""Record the two listings and three odd runs into build/traces, for the viewer's tests."""

import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "examples"))

import als  # noqa: E402
import jetlag as jl  # noqa: E402
import logistic_regression as logistic  # noqa: E402
import movielens  # noqa: E402


def listings(folder: Path) -> None:
    """Write regression.jlt and recommender.jlt."""
    problems = [(logistic.breast_cancer(), 750), (logistic.synthetic(2000), 30)]
    with jl.trace(folder / "regression.jlt"):
        for problem, rounds in problems:
            with jl.span(problem.title):
                logistic.logistic_regression(problem.x, problem.y, problem.alpha, rounds)
    task = als.problem(movielens.generate(400, 600), "generated", factors=40, rounds=1)
    arguments = task.arguments()
    with jl.trace(folder / "recommender.jlt"), jl.span("one round"):
        als.recommend(*arguments)


def odd_runs(folder: Path) -> None:
    """Write empty.jlt, tracks.jlt (10 000 threads) and sites.jlt (100 000 names, hard to show)."""

    def work() -> None:
        with jl.span("work"):
            pass

    with jl.trace(folder / "empty.jlt"):
        pass
    with jl.trace(folder / "tracks.jlt"):
        for _ in range(10_000):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    with jl.trace(folder / "sites.jlt"):
        for i in range(100_000):
            with jl.span(f"<b onclick='x'>{i}</b> 🦆 &amp;"):
                pass


def main() -> None:
    """Write them all."""
    folder = ROOT / "build/traces"
    folder.mkdir(parents=True, exist_ok=True)
    listings(folder)
    odd_runs(folder)


if __name__ == "__main__":
    main()

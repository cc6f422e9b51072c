"""Record the two listings into build/traces, for tests and pictures of the viewer."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "examples"))

import als  # noqa: E402
import jetlag as jl  # noqa: E402
import logistic_regression as logistic  # noqa: E402
import movielens  # noqa: E402


def main() -> None:
    """Write regression.jlt and recommender.jlt."""
    folder = ROOT / "build/traces"
    folder.mkdir(parents=True, exist_ok=True)
    problems = [(logistic.breast_cancer(), 750), (logistic.synthetic(2000), 30)]
    with jl.trace(folder / "regression.jlt"):
        for problem, rounds in problems:
            with jl.span(problem.title):
                logistic.logistic_regression(problem.x, problem.y, problem.alpha, rounds)
    task = als.problem(movielens.generate(400, 600), "generated", factors=40, rounds=1)
    arguments = task.arguments()
    with jl.trace(folder / "recommender.jlt"), jl.span("one round"):
        als.recommend(*arguments)


if __name__ == "__main__":
    main()

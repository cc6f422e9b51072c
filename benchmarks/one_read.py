"""Proof from outside that a round of logistic regression reads x once.

    python benchmarks/one_read.py [N] [ROUNDS]

Runs examples/logistic_regression.py's function under valgrind's cachegrind, which simulates a last
cache of 1 MB: far smaller than x. The reads that miss it, less those of a run with no rounds, are
divided by the lines of 64 bytes that x has. One read of x per round is 1.0; two are 2.0.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CACHE = "--LL=1048576,16,64"
LINE = 64
MOST = 1.15  # reads of x per round, beside vectors and what else the process does

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[3])
import numpy as np
import jetlag as jl
from logistic_regression import logistic_regression

n, rounds = int(sys.argv[1]), int(sys.argv[2])
x = np.zeros((n, n))
x[:, ::8] = 0.5
jl.threads(1)
logistic_regression(x, np.zeros(n), 0.1 / n, rounds)
"""


def misses(n: int, rounds: int) -> int:
    """Data reads of the program that miss the last cache."""
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=yes", CACHE]
    command += ["--cachegrind-out-file=/dev/null", sys.executable, "-c", PROGRAM]
    command += [str(n), str(rounds), str(ROOT / "examples")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"LLd misses:\s+[\d,]+\s+\(\s*([\d,]+) rd", run.stderr)
    if not found:
        raise SystemExit(f"cachegrind printed no misses:\n{run.stderr}")
    return int(found[1].replace(",", ""))


def reads_per_round(n: int, rounds: int) -> float:
    """How often a round reads x, as the simulated cache sees it."""
    lines = n * n * 8 / LINE
    return (misses(n, rounds + 1) - misses(n, 1)) / rounds / lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("n", nargs="?", type=int, default=2000)
    parser.add_argument("rounds", nargs="?", type=int, default=4)
    options = parser.parse_args()
    reads = reads_per_round(options.n, options.rounds)
    print(f"logistic regression {options.n} x {options.n}: x is read {reads:.3f} times a round")
    sys.exit(reads > MOST)


if __name__ == "__main__":
    main()

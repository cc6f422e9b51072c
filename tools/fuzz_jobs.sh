#!/bin/bash
# Malformed requests about jobs, to a server that is built with sanitizers; only what it needs is
# built: tools/fuzz_jobs.sh [REQUESTS] [SEED]
set -euo pipefail
cd "$(dirname "$0")/.."

export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

[ -f build/asan/build.ninja ] || cmake --preset asan --log-level=WARNING
cmake --build build/asan --parallel "${JOBS:-$(tools/jobs.sh)}" --target jetlag_fuzz_jobs
.venv/bin/python tests/fuzz/malformed.py build/asan/tests/cpp/jetlag_fuzz_jobs "${1:-20000}" "${2:-1}"

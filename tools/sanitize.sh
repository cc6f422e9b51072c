#!/bin/bash
# Builds the C++ tests with sanitizers into a build folder of their own, and runs them.
#
#   tools/sanitize.sh asan      addresses, leaks and undefined behaviour
#   tools/sanitize.sh tsan      data races
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1

# Another clone of the same sources finds its objects in the compiler cache.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/tools/tsan.supp

if [ ! -f "build/$preset/build.ninja" ]; then
  cmake --preset "$preset" --log-level=WARNING
fi
cmake --build "build/$preset" --parallel "${JOBS:-$(tools/jobs.sh)}"
ctest --preset "$preset" --exclude-regex '[Ss]low'

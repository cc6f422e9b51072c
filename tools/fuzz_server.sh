#!/bin/bash
# Malformed requests and slow clients against the server, built with sanitizers; only what it needs
# is built: tools/fuzz_server.sh [REQUESTS] [SEED]
set -euo pipefail
cd "$(dirname "$0")/.."

export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
# The HTTP library is not built for the sanitizer, which cannot see how its statics are guarded.
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:ignore_noninstrumented_modules=1

for preset in asan tsan; do
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" --log-level=WARNING
  cmake --build "build/$preset" --parallel "${JOBS:-$(tools/jobs.sh)}" --target jetlag_fuzz_server
  echo "fuzz: the server under $preset"
  "build/$preset/tests/cpp/jetlag_fuzz_server" "${1:-10000}" "${2:-1}"
done

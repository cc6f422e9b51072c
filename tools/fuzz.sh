#!/bin/bash
# Feeds the PhySL parser and printer with mutated programs, under address and undefined-behaviour
# checks: tools/fuzz.sh [SECONDS]. A finding is kept in build/fuzz and its path printed.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
out=build/fuzz
mkdir -p $out/corpus

sources=(tests/fuzz/physl.cpp src/base/*.cpp src/array/*.cpp src/compiler/physl/*.cpp)
newest=$(ls -t "${sources[@]}" src/base/*.h src/array/*.h src/compiler/physl/*.h | head -n 1)
if [ ! -x $out/physl ] || [ "$newest" -nt $out/physl ]; then
  echo "fuzz: building $out/physl"
  clang++-19 -std=c++20 -O1 -g -Wno-deprecated-declarations \
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
    -Isrc "${sources[@]}" -lfmt -o $out/physl
fi

# The programs of the tests are where the mutations start.
find tests/physl tests/samples -name '*.physl' -exec cp -t $out/corpus {} + 2>/dev/null || true
echo "fuzz: $seconds seconds"
$out/physl -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
  -print_final_stats=1 -verbosity=0 -artifact_prefix=$out/ $out/corpus

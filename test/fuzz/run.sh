#!/bin/sh
# Runs the fuzzers of a build with FLOWC_FUZZ, so many seconds each:
#
#   cmake --preset fuzz && cmake --build build-fuzz --target LanguageFuzzer TableFuzzer ...
#   test/fuzz/run.sh build-fuzz 3600 [Language Table ...]
#
# New inputs are kept in BUILD/test/fuzz/corpus, what fails in BUILD/test/fuzz/failures;
# a failure belongs into test/fuzz/corpus, where it is a test, once it is mended.
set -eu
source=$(cd "$(dirname "$0")" && pwd)
build=$1 seconds=$2
shift 2
[ $# -gt 0 ] || set -- Language Formula Model Equinox Table Checkpoint IR
export ASAN_OPTIONS=detect_container_overflow=0:allow_user_poisoning=0:allocator_may_return_null=1
for area in "$@"; do
  folder=$(echo "$area" | tr '[:upper:]' '[:lower:]')
  seeds="$source/corpus/$folder"
  work="$build/test/fuzz/corpus/$folder" failures="$build/test/fuzz/failures/$folder"
  mkdir -p "$work" "$failures"
  "$build/test/fuzz/${area}Fuzzer" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=4096 \
    -artifact_prefix="$failures/" -print_final_stats=1 "$work" "$seeds"
done

#!/bin/sh
# Runs the fuzzers of a build with FLOWC_FUZZ, so many seconds each:
#
#   cmake --preset fuzz && cmake --build build-fuzz --target LanguageFuzzer TableFuzzer ...
#   test/fuzz/run.sh build-fuzz 3600 [Language Table ...]
#   test/fuzz/run.sh build-fuzz counts
#
# New inputs are kept in BUILD/test/fuzz/corpus, what fails in BUILD/test/fuzz/failures;
# a failure belongs into test/fuzz/corpus, where it is a test, once it is mended. Each run
# adds a line to BUILD/test/fuzz/counts, of which `counts` shows the sums.
set -eu
source=$(cd "$(dirname "$0")" && pwd)
build=$1 seconds=$2
shift 2
here="$build/test/fuzz"

# The number that follows "stat::NAME:" in a log; that of the last line of progress.
stat_of() { sed -n "s/^stat::$1: *//p" "$2"; }
progress_of() { sed -n "s/.*[[:space:]]$1: \\([0-9]*\\).*/\\1/p" "$2" | tail -n 1; }

# What the tests hold of such inputs already: flows, formulas, IR function by function.
gather_seeds() {
  tests="$source/.." seeds="$here/seeds/$1"
  mkdir -p "$seeds"
  case $1 in
  language) find "$tests" -name '*.flow' | xargs awk '
        FNR == 1 { if (file) close(file); file = out "/" ++parts }
        { print >file }' out="$seeds" ;;
  formula) awk -F ' = ' '/^[+?-]/ { print $NF >(out "/" NR); close(out "/" NR) }' out="$seeds" "$tests/data/formulas.txt" ;;
  equinox) for model in $(find "$tests/golden" -name model.eqx -size -4k); do
      name=$(dirname "$model")
      { cat "$name/model.flow" && echo && cat "$model"; } >"$seeds/$(basename "$name")"
    done ;;
  ir) find "$tests" -name '*.mlir' | sort | xargs awk '
        FNR == 1 || /^\/\/ -----/ { if (file) close(file); file = out "/" ++parts }
        !/^ *\/\// { print >file }' out="$seeds" ;;
  esac
}

show_counts() {
  awk '{ runs[$1] += $2; seconds[$1] += $3; if ($4 > edges[$1]) edges[$1] = $4; corpus[$1] = $5; failures[$1] = $6
         all += $2; time += $3 }
       END {
         printf "%-12s %12s %9s %9s %7s %9s\n", "fuzzer", "executions", "seconds", "edges", "inputs", "failures"
         for (area in runs)
           printf "%-12s %12d %9d %9d %7d %9d\n", area, runs[area], seconds[area], edges[area], corpus[area], failures[area]
         printf "%-12s %12d %9d\n", "all", all, time
       }' "$here/counts"
}

if [ "$seconds" = counts ]; then
  show_counts
  exit
fi
[ $# -gt 0 ] || set -- Language Formula Model Equinox Table Checkpoint IR
# A small quarantine, so that memory stays in the processor's caches.
export ASAN_OPTIONS=detect_container_overflow=0:allow_user_poisoning=0:allocator_may_return_null=1:quarantine_size_mb=4:malloc_context_size=8
export UBSAN_OPTIONS=print_stacktrace=1
# Inputs that are files, and objects that are cached, stay in memory where that is possible.
if [ -w /dev/shm ]; then
  TMPDIR=$(mktemp -d /dev/shm/flowc-fuzz.XXXXXX)
else
  TMPDIR=$(mktemp -d)
fi
export TMPDIR XDG_CACHE_HOME="$TMPDIR"
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' INT TERM
for area in "$@"; do
  folder=$(echo "$area" | tr '[:upper:]' '[:lower:]')
  work="$here/corpus/$folder" failures="$here/failures/$folder" log="$here/$folder.log"
  mkdir -p "$work" "$failures"
  words="$source/$folder.dict"
  [ -f "$words" ] || words="$source/files.dict"
  gather_seeds "$folder"
  begin=$(date +%s)
  "$here/${area}Fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -dict="$words" \
    -artifact_prefix="$failures/" -print_final_stats=1 "$work" "$source/corpus/$folder" "$here/seeds/$folder" 2>"$log" || true
  # Other work of the machine counts as time of an input: a failure is what fails again, given more.
  for input in "$failures"/*; do
    if [ -f "$input" ] && "$here/${area}Fuzzer" -timeout=60 "$input" >/dev/null 2>&1; then rm "$input"; fi
  done
  failed=$(ls "$failures" | wc -l)
  executions=$(stat_of number_of_executed_units "$log")
  echo "$area ${executions:-0} $(($(date +%s) - begin)) $(progress_of cov "$log") $(ls "$work" | wc -l) $failed" \
    >>"$here/counts"
  [ "$failed" = 0 ] || echo "$area: $failed inputs fail, see $failures and $log"
done
show_counts

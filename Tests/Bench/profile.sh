#!/bin/bash
# Where the engine's thread spends its time at 1,000 viewers: `make profile`, or profile.sh BENCH [SHAPE [SECONDS]]. Needs linux-perf, and root
# for the kernel's symbols.
set -eu -o pipefail
bench=$1
shape=${2:-fanout_1x1000}
seconds=${3:-8}
command -v perf >/dev/null || { echo "perf is missing: apt-get install linux-perf" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$bench" "$shape" >"$work/table" &
bench_process=$!
# The engine's thread is named so in a process below; its viewers have joined when it has used a second or two of CPU.
thread=""
while kill -0 "$bench_process" 2>/dev/null && [ -z "$thread" ]; do
  for task in /proc/[0-9]*/task/[0-9]*; do
    [ "$(cat "$task/comm" 2>/dev/null)" = egress ] || continue
    [ "$(cut -d' ' -f4 "${task%/task/*}/stat" 2>/dev/null)" = "$bench_process" ] || continue
    # User and system time, in hundredths of a second.
    ticks=$(awk '{print $14 + $15}' "$task/stat" 2>/dev/null || echo 0)
    [ "${ticks:-0}" -ge 300 ] && thread=${task##*/}
  done
  read -r -t 0.1 <> <(:) || true
done
[ -n "$thread" ] || { echo "the engine's thread was not found: is $shape long enough?" >&2; exit 1; }
# A virtual machine has no cycle counter: the clock does.
perf record -q -e cpu-clock -F 2000 -g -t "$thread" -o "$work/data" -- sleep "$seconds" >/dev/null 2>&1 || true
kill "$bench_process" 2>/dev/null || true
wait "$bench_process" 2>/dev/null || true
report() {
  perf report -i "$work/data" -g none --stdio "$@" 2>/dev/null | grep -v '^#' | grep -v '^$' || true
}
echo "== by object"
report --no-children --sort dso --percent-limit 0.2
echo "== the engine's own functions"
report --no-children --sort symbol --dso "$(basename "$bench")" --percent-limit 0.1 | head -20
echo "== by symbol"
report --no-children --sort symbol --percent-limit 0.7
echo "== by symbol, with what it calls"
report --children --sort symbol --percent-limit 4

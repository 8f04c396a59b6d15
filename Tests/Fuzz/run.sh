#!/usr/bin/env bash
# Runs every fuzz target for a bounded time from its corpus: run.sh SECONDS [TARGET...]. A crash is kept in .build-fuzz and printed.
# FUZZ_SEED repeats a run; without it each is another.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-10}
shift || true
seed=${FUZZ_SEED:-$((RANDOM + 1))} # 0 would have libFuzzer choose one
out=.build-fuzz
mkdir -p "$out"
flags=(-std=gnu17 -O1 -g -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
       -ISources/CEgress -ISources/CEgress/include)
newest_header=$(find Sources/CEgress -name '*.h' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
objects=()
for source in Sources/CEgress/{base,wire,media,transport,delivery,core}/*.c; do
    object="$out/$(basename "$source" .c).o"
    if [ ! -e "$object" ] || [ "$source" -nt "$object" ] || [ "$newest_header" -nt "$object" ]; then
        clang "${flags[@]/-fsanitize=fuzzer,/-fsanitize=fuzzer-no-link,}" -c "$source" -o "$object"
    fi
    objects+=("$object")
done
passed=0
for target in Tests/Fuzz/fuzz_*.c; do
    name=$(basename "$target" .c)
    [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
    # The linker has much to say about the sanitizer's symbols, all of it harmless.
    clang "${flags[@]}" "$target" "${objects[@]}" -o "$out/$name" -lssl -lcrypto 2>"$out/$name.build" || { cat "$out/$name.build"; exit 1; }
    mkdir -p "$out/corpus/$name"
    echo "fuzz: $name for $seconds s from seed $seed"
    "$out/$name" -seed="$seed" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 \
        -artifact_prefix="$out/$name-" -print_final_stats=0 "$out/corpus/$name" "Tests/Fuzz/corpus/${name#fuzz_}" 2>"$out/$name.log" || {
        tail -n 60 "$out/$name.log"
        echo "fuzz: $name found something from seed $seed: the input is $out/$name-*"
        exit 1
    }
    passed=$((passed + 1))
done
echo "fuzz: $passed targets, nothing found"

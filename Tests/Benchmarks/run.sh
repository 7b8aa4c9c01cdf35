#!/bin/sh
# Measures an installation against the budgets of docs/architecture.md and prints one table; what `make bench` calls.
#
# HISTORY=n  runs of history for the second round (5000)     ONLY=host,sandbox  the drivers to measure
# NAP=n      seconds of idleness that are watched (20)       DATA=dir           keep the installations there
# RUNS=n     runs of the store's long history (1000000)      ONLY=store         the store alone
set -eu
cd "$(dirname "$0")/../.."
swift=${SWIFT:-swift}

missing=
for tool in wrk nginx git bwrap setpriv; do
    PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ -z "$missing" ] || { echo "these programs are missing:$missing" >&2; exit 1; }

export MARTLET_BENCHMARKS=1
for product in martletd BareFastCGI MartletBenchmarks StoreBenchmark; do
    $swift build -c release --product "$product"
done
bin=$($swift build -c release --show-bin-path)

if [ -n "${DATA:-}" ]; then
    mkdir -p "$DATA"
else
    DATA=$(mktemp -d "${TMPDIR:-/tmp}/martlet-bench.XXXXXX")
    trap 'rm -rf "$DATA"' EXIT
    trap 'exit 130' INT TERM
fi
"$bin/StoreBenchmark" "$DATA" 3 "${RUNS:-1000000}"
[ "${ONLY:-}" = store ] || "$bin/MartletBenchmarks" "$bin" "$DATA"

#!/usr/bin/env bash
# The table of the README: the demo with seed 0, and the same recipe with two more seeds.
set -euo pipefail
cd "$(dirname "$0")/../.."
flexpad=.venv/bin/flexpad
make demo
.venv/bin/python benchmarks/collect.py runs/demo benchmarks/results/demo.csv --readme README.md
for seed in 1 2; do
    run=runs/demo-seed$seed
    mkdir -p "$run"
    sed "s/^seed: 0/seed: $seed/" src/flexpad/recipes/demo.yaml > "$run/demo.yaml"
    $flexpad train runs/demo/manifest.csv -o "$run" --recipe "$run/demo.yaml" --overwrite
    for split in dev test; do
        $flexpad score "$run" runs/demo/manifest.csv --split $split -o "$run/scores-$split.csv"
    done
    $flexpad report "$run/scores-dev.csv" "$run/scores-test.csv" -o "$run"
    .venv/bin/python benchmarks/collect.py "$run" benchmarks/results/demo.csv
done

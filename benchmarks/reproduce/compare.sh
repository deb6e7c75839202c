#!/usr/bin/env bash
# The output and figure of docs/compare.md: the demo's learned fusion against two simple ones.
# Needs the score tables of `make demo` in runs/demo, or in the folder that is given.
set -euo pipefail
cd "$(dirname "$0")/../.."
tables=runs/fusion
.venv/bin/python benchmarks/simple_fusion.py "${1:-runs/demo}" $tables
for by in acer_pooled apcer_max; do
    .venv/bin/flexpad compare $tables/{learned,mean,lowest}-test.csv \
        --dev $tables/{learned,mean,lowest}-dev.csv --by $by -o $tables/$by \
        | .venv/bin/python benchmarks/quote.py docs/compare.md $by
done
cp $tables/apcer_max/compare.png docs/compare.png

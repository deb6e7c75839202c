#!/usr/bin/env bash
# docs/table1.md: table 1 on rendered faces in the small size, its differences, its ablations, and
# figure 5. A night and more on two cores; it goes on where it was stopped. WORKERS=4 on four cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=.venv/bin/python
flexpad=.venv/bin/flexpad
results=benchmarks/results
for name in table1_synth ablations ablations_specified; do
    out=runs/bench/$name
    $flexpad bench configs/bench/$name.yaml --out $out --workers "${WORKERS:-2}"
    $python benchmarks/take_in.py $out
done
# Figure 5 and what telling the modality moves: runs with seed 0 on synth-surf@1.
out=runs/bench/table1_synth
manifest=$out/data/synth-surf.csv
$python benchmarks/figure5.py $out --protocol synth-surf@1 --seed 0 --page docs/table1.md
for seed in 0 1 2; do
    $python benchmarks/label_told.py $out/jobs/synth-surf@1/fmm_rpl/seed-$seed $manifest --unit video \
        --out $results/label_told.csv
done
$python -m tools.bench_docs
$python -m tools.method_docs

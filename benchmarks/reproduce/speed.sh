#!/usr/bin/env bash
# The tables of docs/speed.md: how fast the towers encode and train on this machine. Some ten minutes
# on two cores that have nothing else to do; `speed.sh --device cuda` measures a GPU instead.
# Rows of other hardware stay in the results.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=.venv/bin/python
$python benchmarks/encode.py "$@" --out benchmarks/results/encode.csv
# What glibc's allocator costs; a GPU has no part in it.
if [[ "$*" != *cuda* ]]; then
    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 $python benchmarks/encode.py \
        --towers ViT-B/16 clip-nano --batches 8 --out benchmarks/results/encode.csv
    $python benchmarks/kernels.py --out benchmarks/results/kernels.csv
fi
$python benchmarks/train.py "$@" --out benchmarks/results/train.csv
$python -m tools.speed_docs

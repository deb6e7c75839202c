#!/usr/bin/env bash
# docs/report: the full report of the demo's FMM-RPL run, seed 0, after `make demo`.
# PICTURES="python tools/screenshot.py" takes the first screens too, where playwright is installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
.venv/bin/flexpad report runs/demo/scores-dev.csv runs/demo/scores-test.csv -o "$out" \
    --calibration platt --like paper
mkdir -p docs/report
cp "$out"/report.html "$out"/report.json "$out"/calibration.json "$out"/figures/det.png docs/report/
if [ -n "${PICTURES:-}" ]; then
    $PICTURES docs/report/report.html docs/report ${CHROMIUM:+--chromium "$CHROMIUM"}
fi

"""Write what bob says about 1,000 random score tables full of ties, for the tests to compare with.

bob.measure and bob.pad.base need older packages than flexpad, so that this runs in an environment
of its own::

    python3.11 -m venv bob-env
    bob-env/bin/pip install bob.measure==6.1.1 bob.pad.base==6.0.1 "numpy<2" scikit-learn==1.5.2 \
        "setuptools<81"
    bob-env/bin/python tools/make_bob_golden.py

``tests/golden/bob.npz`` then holds the tables themselves and, of each, the rates at four
thresholds: ``farfrr`` of bob.measure (all attacks in one pool) and ``apcer_bpcer`` of bob.pad.base
(each species and their maximum).
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
from bob.measure import farfrr
from bob.pad.base.error_utils import apcer_bpcer

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "bob.npz"
TABLES = 1000
MOST_SPECIES = 4
STEPS = (2, 5, 12, 100, 1000)  # scores are whole numbers over one of these: few values, many ties
BONAFIDE = -1  # in place of a species' number


def main() -> None:
    """Draw the tables, ask bob and write both."""
    tables = [_table(np.random.default_rng([20, number])) for number in range(TABLES)]
    answers = [_ask_bob(*table) for table in tables]
    steps, scores, species, thresholds = zip(*tables, strict=True)
    far, frr, apcer, highest, bpcer = (np.array(part) for part in zip(*answers, strict=True))
    np.savez_compressed(
        GOLDEN,
        made_with=np.array(_versions()),
        steps=np.array(steps, np.int16),
        rows=np.array([len(part) for part in scores], np.int16),
        scores=np.concatenate(scores).astype(np.int16),
        species=np.concatenate(species).astype(np.int8),
        thresholds=np.array(thresholds),
        far=far,
        frr=frr,
        apcer=apcer,
        apcer_max=highest,
        bpcer=bpcer,
    )
    print(f"{GOLDEN}: {TABLES} tables, {sum(map(len, scores))} rows, {GOLDEN.stat().st_size} bytes")


def _table(rng: np.random.Generator) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """Steps of a score, scores in steps (S,), species (S,) and thresholds (4,)."""
    steps = int(rng.choice(STEPS))
    kinds = int(rng.integers(1, MOST_SPECIES + 1))
    counts = rng.integers(1, 40, size=kinds + 1)
    species = np.repeat(np.arange(BONAFIDE, kinds), counts)
    centres = rng.uniform(0.2, 0.6, size=kinds + 1)
    centres[0] += 0.2  # bona fides score higher, more or less
    drawn = rng.normal(centres[species + 1], 0.2)
    scores = np.clip(np.round(drawn * steps), 0, steps).astype(int)
    order = rng.permutation(len(scores))
    observed = rng.choice(scores, size=2) / steps
    between = (rng.choice(scores, size=1) + 0.5) / steps
    thresholds = np.concatenate([observed, between, [1.5]])
    return steps, scores[order], species[order], thresholds


def _ask_bob(
    steps: int, scores: np.ndarray, species: np.ndarray, thresholds: np.ndarray
) -> tuple[list[float], list[float], list[list[float]], list[float], list[float]]:
    """Both rates of the pool; APCER of each species, padded with NaN, its maximum, and BPCER."""
    values = scores / steps
    bonafide, attacks = values[species == BONAFIDE], values[species != BONAFIDE]
    pools = [values[species == kind] for kind in range(species.max() + 1)]
    pooled = [farfrr(attacks, bonafide, threshold) for threshold in thresholds]
    worst = [apcer_bpcer(threshold, bonafide, *pools) for threshold in thresholds]
    padding = [np.nan] * (MOST_SPECIES - len(pools))
    return (
        [float(far) for far, _ in pooled],
        [float(frr) for _, frr in pooled],
        [[float(rate) for rate in each] + padding for each, _, _ in worst],
        [float(highest) for _, highest, _ in worst],
        [float(bpcer) for _, _, bpcer in worst],
    )


def _versions() -> list[str]:
    packages = ("bob.measure", "bob.pad.base", "numpy")
    return [f"{name} {version(name)}" for name in packages] + [
        f"Python {platform.python_version()}"
    ]


if __name__ == "__main__":
    main()

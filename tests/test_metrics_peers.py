"""Other implementations on 1,000 random tables full of ties: bob, scikit-learn, a plain reference.

Rates at a threshold and points of the curve have to be equal; how a threshold is chosen differs
between peers, so that chosen thresholds are compared with the reference alone.
"""

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from flexpad import metrics

GOLDEN = Path(__file__).parent / "golden" / "bob.npz"
REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "spec" / "pad_metrics_ref.py"
BONAFIDE = -1


@dataclass
class Case:
    """One table and what bob says of it, by threshold."""

    scores: np.ndarray
    species: np.ndarray
    answers: dict[str, np.ndarray]

    @property
    def is_bonafide(self):
        return self.species == BONAFIDE

    @property
    def names(self):
        return np.array([f"species {k}" for k in self.species])

    @property
    def items(self):
        return metrics.presentations(self.scores, self.is_bonafide, self.names)


@pytest.fixture(scope="module")
def cases():
    with np.load(GOLDEN) as stored:
        golden = {name: stored[name] for name in stored.files}
    ends = np.cumsum(golden["rows"])[:-1]
    tables = zip(
        golden["steps"],
        *(np.split(golden[name], ends) for name in ("scores", "species")),
        strict=True,
    )
    keys = ("thresholds", "far", "frr", "apcer", "apcer_max", "bpcer")
    found = [
        Case(scores / steps, species, {key: golden[key][number] for key in keys})
        for number, (steps, scores, species) in enumerate(tables)
    ]
    assert len(found) == 1000
    return found


def test_golden_file_says_what_made_it():
    with np.load(GOLDEN) as stored:
        made_with = " ".join(stored["made_with"])
    assert "bob.measure 6.1.1" in made_with
    assert "bob.pad.base 6.0.1" in made_with


def test_tables_are_full_of_ties(cases):
    ties = [len(case.scores) - len(np.unique(case.scores)) for case in cases]
    assert np.mean(np.array(ties) > 0) > 0.9


def test_rates_equal_bob_exactly(cases):
    for case in cases:
        items = case.items
        for k, threshold in enumerate(case.answers["thresholds"]):
            got = metrics.rates(items, float(threshold))
            bob = {key: values[k] for key, values in case.answers.items()}
            assert got.apcer_pooled.rate == bob["far"]
            assert got.bpcer.rate == bob["frr"] == bob["bpcer"]
            assert got.apcer_max.rate == bob["apcer_max"]
            each = bob["apcer"][~np.isnan(bob["apcer"])]
            assert [entry.apcer.rate for entry in got.species] == each.tolist()


def test_auc_and_roc_points_equal_scikit_learn(cases):
    for case in cases:
        items, labels = case.items, case.is_bonafide
        assert metrics.auc(items).value == pytest.approx(
            roc_auc_score(labels, case.scores), abs=1e-12
        )
        fpr, tpr, thresholds = roc_curve(labels, case.scores, drop_intermediate=False)
        candidates, accepted, rejected = metrics.error_curve(items)
        np.testing.assert_array_equal(candidates[::-1], thresholds)
        np.testing.assert_allclose(accepted[::-1] / len(items.pooled), fpr, rtol=0, atol=1e-15)
        np.testing.assert_allclose(
            1 - rejected[::-1] / len(items.bonafide), tpr, rtol=0, atol=1e-15
        )


@pytest.fixture(scope="module")
def reference():
    """A plain implementation that shares no code with flexpad."""
    if not REFERENCE.exists():
        pytest.skip("the reference implementation is not there")
    spec = importlib.util.spec_from_file_location("reference", REFERENCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_chosen_thresholds_equal_the_reference(cases, reference):
    for case in cases[::5]:
        items = case.items
        sides = reference.split(case.scores, case.is_bonafide, case.names)[:2]
        equal, right = metrics.eer(items), reference.eer(*sides)
        assert (equal.threshold, equal.fpr, equal.fnr) == (
            right["tau"],
            pytest.approx(right["fpr"], abs=1e-12),
            pytest.approx(right["fnr"], abs=1e-12),
        )
        assert equal.interpolated == pytest.approx(right["eer_interp"], abs=1e-12)
        for target in metrics.APCER_TARGETS:
            for kind in ("max", "pooled"):
                got = metrics.bpcer_at_apcer(items, target, kind)
                wanted = reference.bpcer_at_apcer(*sides, target, kind)
                assert (got.threshold, got.bpcer.rate) == (wanted["tau"], wanted["bpcer"])
        for target in metrics.FPR_TARGETS:
            got, wanted = metrics.tpr_at_fpr(items, target), reference.tpr_at_fpr(*sides, target)
            assert got.tpr.rate == pytest.approx(wanted["tpr"], abs=1e-12)
            assert got.supported == wanted["supported"]
        for target in (0.01, 0.1):
            wanted = reference.tau_at_bpcer(sides[0], target)
            got = metrics.threshold_at_bpcer(items, target)
            assert got == (math.inf if wanted is None else wanted)

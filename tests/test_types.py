"""Modalities, conditions and the words everything speaks."""

import dataclasses
import itertools
import subprocess
import sys

import pytest

from flexpad.types import (
    CONDITIONS,
    MODALITIES,
    BadInput,
    Decision,
    Modality,
    Outcome,
    condition_of,
    modalities_of,
)


def test_the_order_is_rgb_depth_ir():
    assert [modality.value for modality in MODALITIES] == ["rgb", "depth", "ir"]
    assert "".join(modality.letter for modality in MODALITIES) == "RDI"


def test_the_conditions_are_all_non_empty_subsets():
    subsets = {
        condition_of(chosen)
        for size in (1, 2, 3)
        for chosen in itertools.combinations(MODALITIES, size)
    }
    assert subsets == set(CONDITIONS)
    assert len(CONDITIONS) == 7


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_is_named_by_its_modalities_in_any_order(condition):
    modalities = modalities_of(condition)
    assert condition_of(modalities) == condition
    assert condition_of(reversed(modalities)) == condition
    assert condition_of([*modalities, *modalities]) == condition


def test_a_model_that_sees_nothing_is_no_condition():
    with pytest.raises(BadInput, match="no modality is given; give at least one of rgb, depth, ir"):
        condition_of([])


@pytest.mark.parametrize("condition", ["", "DR", "rgb", "RR", "RDIT"])
def test_an_unknown_condition_is_refused_with_the_known_ones(condition):
    with pytest.raises(BadInput, match=f"condition {condition!r} is unknown.*R, D, I, RD"):
        modalities_of(condition)


def test_bad_input_is_a_value_error_so_that_a_library_user_may_catch_it():
    assert issubclass(BadInput, ValueError)


def test_a_decision_cannot_be_changed_afterwards():
    decision = Decision(Outcome.ATTACK, 0.1, 0.5, "eer@dev", "RDI", "the score is too low")
    with pytest.raises(dataclasses.FrozenInstanceError):
        decision.outcome = Outcome.BONAFIDE


def test_manifests_and_readers_never_load_torch():
    code = (
        "import sys, flexpad.types, flexpad.readers, flexpad.data.protocols, flexpad.audit;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_modality_reads_back_from_its_value():
    assert Modality("ir") is Modality.IR
    with pytest.raises(ValueError, match="thermal"):
        Modality("thermal")

"""Names to things."""

import pytest

from flexpad.registry import Registry, did_you_mean
from flexpad.types import BadInput


@pytest.fixture
def shapes():
    registry = Registry[str]("shape")
    registry.add("square")("four corners")
    registry.add("circle")("no corner")
    return registry


def test_a_name_gives_its_thing(shapes):
    assert shapes["square"] == "four corners"


def test_names_come_sorted_and_can_be_asked_for(shapes):
    assert list(shapes) == ["circle", "square"]
    assert "circle" in shapes
    assert "circel" not in shapes


@pytest.mark.parametrize("typo", ["circel", "Circle", "CIRCLE", "circles"])
def test_a_typo_gets_the_name_that_was_meant(shapes, typo):
    with pytest.raises(BadInput, match=f"shape '{typo}' is unknown; did you mean 'circle'"):
        shapes[typo]


def test_a_name_like_no_other_gets_them_all(shapes):
    with pytest.raises(BadInput, match="shape 'xyz' is unknown; known: circle, square"):
        shapes["xyz"]


def test_two_things_cannot_have_one_name(shapes):
    with pytest.raises(ValueError, match="two things want to be the shape 'circle'"):
        shapes.add("circle")("another")
    assert shapes["circle"] == "no corner"


def test_registering_hands_back_what_was_registered():
    registry = Registry[type]("shape")
    assert registry.add("list")(list) is list


def test_did_you_mean_keeps_the_spelling_of_what_is_known():
    assert did_you_mean("wmca@GRANDTEST", ["WMCA@grandtest"]) == "did you mean 'WMCA@grandtest'?"

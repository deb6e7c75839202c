"""Which frames of a video are used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexpad.data.sampling import FrameSampling
from flexpad.types import BadInput

frames = st.lists(st.integers(0, 10_000), unique=True, max_size=60)


@pytest.mark.parametrize(
    ("n", "chosen"),
    [(1, [2]), (2, [2, 10]), (3, [2, 6, 10]), (4, [2, 4, 8, 10]), (9, [2, 4, 6, 8, 10])],
)
def test_frames_are_spread_from_the_first_to_the_last(n, chosen):
    assert FrameSampling("even", n).choose([10, 8, 2, 4, 6]) == chosen


@given(frames, st.integers(1, 20))
def test_chosen_frames_are_some_of_the_frames_in_rising_order(found, n):
    chosen = FrameSampling("even", n).choose(found)
    assert set(chosen) <= set(found)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(n, len(found))
    if len(found) > 1 and n > 1:
        assert (chosen[0], chosen[-1]) == (min(found), max(found))


@given(frames)
def test_without_a_number_all_are_taken(found):
    assert FrameSampling("all").choose(found) == FrameSampling().choose(found) == sorted(found)


@pytest.mark.parametrize(("mode", "n"), [("even", None), ("list", 3), ("all", 3), ("even", 0)])
def test_a_number_goes_with_even_and_is_positive(mode, n):
    with pytest.raises(BadInput, match="n_frames"):
        FrameSampling(mode, n)


def test_what_was_chosen_stands_in_words():
    assert [str(s) for s in (FrameSampling(), FrameSampling("even", 10))] == [
        "list",
        "even, 10 a video",
    ]

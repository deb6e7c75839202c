"""What a value means: the grammar, the scalings by hand, and sets that must not be mixed."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import median_abs_deviation

from flexpad.data import encoding, manifest
from flexpad.data.encoding import Encoding, UnusableImage
from flexpad.data.manifest import Manifest, Row
from flexpad.readers import READERS
from flexpad.types import BadInput
from tests.trees.casia_surf import casia_surf

WHOLE = (slice(None), slice(None))
RAW = arrays.arrays(np.uint16, (6, 5), elements=st.integers(0, 65535))


def scaled(values, text, face=WHOLE):
    return encoding.scale(np.asarray(values, np.uint16), encoding.parse(text), face)


class TestGrammar:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("8bit:casia_surf", Encoding("8bit", origin="casia_surf")),
            ("limits:2000-4000", Encoding("limits", low=2000, high=4000)),
            ("limits:0-0.5", Encoding("limits", low=0, high=0.5)),
            ("mad:6", Encoding("mad", deviations=6)),
            ("mad:2.5", Encoding("mad", deviations=2.5)),
            ("mm:300-1500", Encoding("mm", low=300, high=1500)),
        ],
    )
    def test_says(self, text, expected):
        assert encoding.parse(text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "8bit",
            "8bit:",
            "8bit:a b",
            "limits:4000",
            "limits:-5-5",
            "limits:1e3-2e3",
            "mad:",
            "mad:x",
            "MAD:3",
            "mm:1-2-3",
            "metres:1-2",
            " mad:3",
        ],
    )
    def test_refuses(self, text):
        with pytest.raises(BadInput, match="should be 8bit:<origin>, limits:<lo>-<hi>") as caught:
            encoding.parse(text)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("text", ["limits:5-5", "mm:1500-300"])
    def test_a_window_needs_a_width(self, text):
        with pytest.raises(BadInput, match="should be less than"):
            encoding.parse(text)

    def test_no_deviation_is_no_window(self):
        with pytest.raises(BadInput, match="should be more than 0"):
            encoding.parse("mad:0")


class TestWindow:
    def test_by_hand(self):
        values = [[0, 1999, 2000], [2500, 3000, 4000], [4001, 65535, 2001]]
        expected = [[0, 0, 0], [63.75, 127.5, 255], [255, 255, 255 / 2000]]
        assert scaled(values, "limits:2000-4000") == pytest.approx(np.array(expected))

    def test_millimetres_without_a_return_stay_0(self):
        assert scaled([[0, 300, 900, 1500]], "mm:300-1500") == pytest.approx(
            np.array([[0, 0, 127.5, 255]])
        )

    @given(RAW)
    def test_keeps_what_16_bits_tell_apart(self, values):
        kept = scaled(values, "limits:0-65535")
        assert len(np.unique(kept)) == len(np.unique(values))
        assert kept.dtype == np.float32

    def test_8_bits_are_never_scaled(self):
        with pytest.raises(ValueError, match="not scaled"):
            scaled([[1]], "8bit:synth")


class TestDeviations:
    def test_by_hand(self):
        """Shown are 100 104 108 116 (not 0 and 1): median 106, deviations 6 2 2 10, MAD 4."""
        values = [[0, 1, 100], [104, 108, 116]]
        lowest, width = 106 - 3 * 4, 2 * 3 * 4
        expected = [[0, 0, 6], [10, 14, 22]]
        assert lowest == 94
        assert scaled(values, "mad:3") == pytest.approx(np.array(expected) / width * 255)

    def test_goes_by_the_face_and_scales_the_whole(self):
        values = np.full((4, 4), 60000)
        values[1:3, 1:3] = [[500, 510], [520, 530]]
        face = (slice(1, 3), slice(1, 3))
        whole = scaled(values, "mad:6", face)
        assert np.array_equal(whole[face], scaled(values[face], "mad:6"))
        assert (whole[0] == 255).all()

    @given(RAW, st.sampled_from([2.0, 3.0, 6.0]))
    def test_equals_scipy(self, values, n):
        shown = values[values > 1]
        deviation = median_abs_deviation(shown) if shown.size else 0
        if deviation == 0:
            with pytest.raises(UnusableImage, match="is unusable"):
                scaled(values, f"mad:{n}")
            return
        lowest = np.median(shown) - n * deviation
        expected = ((values - lowest) / (2 * n * deviation) * 255).clip(0, 255)
        assert np.allclose(scaled(values, f"mad:{n}"), expected, atol=1e-3)

    def test_an_empty_face_is_unusable(self):
        with pytest.raises(UnusableImage, match="no pixel of the face is above 1"):
            scaled([[0, 1], [1, 900]], "mad:3", (slice(0, 1), slice(0, 2)))
        with pytest.raises(UnusableImage, match="no pixel of the face"):
            scaled([[900, 901]], "mad:3", (slice(5, 9), slice(5, 9)))  # a box outside the image

    def test_a_flat_face_is_unusable(self):
        with pytest.raises(UnusableImage, match="most pixels of the face are 700"):
            scaled([[700, 700], [700, 900]], "mad:3")


def rows_of(*encodings, modality="depth"):
    return Manifest(
        root=None,
        name="m.csv",
        rows=[
            Row(
                f"s{number}",
                "synth_surf",
                "train",
                "p",
                "v",
                number,
                "bonafide",
                rgb="a.png",
                **({modality: "b.png", f"{modality}_encoding": text} if text is not None else {}),
            )
            for number, text in enumerate(encodings)
        ],
    )


class TestMixture:
    @pytest.mark.parametrize("modality", ["depth", "ir"])
    def test_two_encodings_are_refused(self, modality):
        rows = rows_of("8bit:synth", "8bit:synth", "mad:3", modality=modality)
        with pytest.raises(BadInput) as caught:
            encoding.check_mixture(rows, allowed=False)
        message = str(caught.value)
        assert message.startswith(f"m.csv: training rows have {modality} images encoded as ")
        assert "8bit:synth (2 rows) and mad:3 (1 rows)" in message
        assert "mix_encodings: true" in message
        assert "\n" not in message

    def test_known_and_unknown_are_two(self):
        with pytest.raises(BadInput, match="unknown"):
            encoding.check_mixture(rows_of("8bit:synth", ""), allowed=False)

    def test_unless_it_was_asked_for(self):
        encoding.check_mixture(rows_of("8bit:synth", "mad:3"), allowed=True)

    def test_one_encoding_is_fine_and_absent_images_have_none(self):
        encoding.check_mixture(rows_of("mad:3", None, "mad:3"), allowed=False)
        encoding.check_mixture(rows_of("", None), allowed=False)


def test_training_on_a_mixture_is_refused_before_anything_is_written(tmp_path):
    from dataclasses import replace

    from flexpad.recipe import Recipe
    from flexpad.train import train

    read = READERS["casia_surf"].read(casia_surf(tmp_path / "data")).manifest
    rows = list(read.rows)
    rows[0] = replace(rows[0], depth_encoding="mad:6")
    mixed = replace(read, rows=rows)
    with pytest.raises(BadInput, match="mix_encodings: true"):
        train(mixed, Recipe(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


class TestManifest:
    def test_an_encoding_nobody_knows_is_refused(self, tmp_path):
        rows = rows_of("mad:3", "mad:three").rows
        with pytest.raises(BadInput, match=r"row 's1': depth_encoding: encoding 'mad:three'"):
            manifest.validate(Manifest(tmp_path, rows))

    def test_the_first_row_is_named(self):
        table = pl.DataFrame({"depth_encoding": ["", "mad:1"], "ir_encoding": ["8bit:a", "x"]})
        assert encoding.complaint(table)[0] == 1
        assert encoding.complaint(table[:1]) is None

"""The audit of shortcuts finds a cue that was planted, and nothing where there is none."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from flexpad import cli
from flexpad.audit import cues
from flexpad.audit.shortcuts import CAPTURE, SURROUNDINGS, WHOLE, audit_shortcuts, fit
from flexpad.data import manifest as manifests
from flexpad.data.manifest import Manifest, Row
from flexpad.types import BadInput, Modality

SIZE = 48
COUNTS = {"train": 40, "dev": 20, "test": 20}  # of each class
Y, X = np.mgrid[:SIZE, :SIZE]


def face_of(rng: np.random.Generator, radius: float = 16.0) -> np.ndarray:
    """Where a face is, a little off the middle."""
    down, across = rng.normal(SIZE / 2, 0.8, 2)
    return (X - across) ** 2 + ((Y - down) / 1.2) ** 2 < (radius * rng.uniform(0.93, 1.07)) ** 2


def picture(
    rng: np.random.Generator, face: np.ndarray, channels: int, attack: bool, cue: str
) -> np.ndarray:
    """A face of noise; an attack differs by nothing, or by one cue."""
    noise = rng.normal(0, 22 if attack and cue == "noise" else 12, (SIZE, SIZE, channels))
    level = rng.uniform(90, 150) + (70 if attack and cue == "brightness" else 0)
    around = 9.0 if attack and cue == "background" else 0.0
    pixels = np.where(face[..., None], level + noise, around)
    return np.clip(pixels, 0, 255).astype(np.uint8).squeeze()


def made_up(root: Path, cue: str = "", modality: str = "rgb", lossless: bool = True) -> Manifest:
    """Rows whose attacks have one cue in one modality."""
    rng = np.random.default_rng(4)
    rows = []
    for split, count in COUNTS.items():
        for number in range(2 * count):
            attack, paths = number % 2 == 1, {}
            face = face_of(rng, 12.0 if attack and cue == "outline" else 16.0)
            for name, channels in (("rgb", 3), ("depth", 1), ("ir", 1)):
                here = cue if name == modality else ""
                image = Image.fromarray(picture(rng, face, channels, attack, here))
                coarse = attack and here == "quality"
                file = f"{split}-{number}.{name}.{'png' if lossless else 'jpg'}"
                image.save(root / file, quality=60 if coarse else 95)
                paths[name] = file
            rows.append(
                Row(
                    sample_id=f"{split}/{number}",
                    dataset="synth_made",
                    split=split,
                    subject_id=f"{split}-{number}",
                    video_id=f"{split}-{number}",
                    frame=0,
                    label="attack" if attack else "bonafide",
                    pai_species=("a", "b")[number % 4 // 2] if attack else "",
                    groups={},
                    **paths,
                )
            )
    return Manifest(root, tuple(rows))


def figures(manifest: Manifest) -> dict[tuple[str, str], float]:
    """Pooled ACER on test by modality and kind of statistics."""
    found = audit_shortcuts(manifest)
    return {(s.modality.value, s.what): s.rates.acer_pooled.value for s in found}


def test_without_a_cue_it_guesses(tmp_path):
    acer = figures(made_up(tmp_path))
    assert len(acer) == 8
    assert all(value > 0.3 for value in acer.values())


@pytest.mark.parametrize("modality", ["rgb", "depth", "ir"])
@pytest.mark.parametrize("cue", ["noise", "brightness"])
def test_a_planted_cue_is_found_where_it_is(tmp_path, cue, modality):
    acer = figures(made_up(tmp_path, cue, modality))
    assert acer[modality, WHOLE] < 0.1
    assert all(acer[m, WHOLE] > 0.25 for m in ("rgb", "depth", "ir") if m != modality)
    assert acer[modality, SURROUNDINGS] > 0.3


def test_an_outline_gives_attacks_away_in_every_modality(tmp_path):
    acer = figures(made_up(tmp_path, "outline"))
    assert all(acer[modality, WHOLE] <= 0.05 for modality in ("rgb", "depth", "ir"))


def test_a_background_alone_gives_attacks_away(tmp_path):
    acer = figures(made_up(tmp_path, "background", "ir"))
    assert acer["ir", SURROUNDINGS] < 0.05
    assert acer["rgb", SURROUNDINGS] > 0.3


def test_the_file_gives_attacks_away(tmp_path):
    found = audit_shortcuts(made_up(tmp_path, "quality", "rgb", lossless=False))
    first = found[0]
    assert first.rates.acer_pooled.value == 0
    assert first.leading[0][1] in (0.0, 1.0)


def test_the_leading_statistic_is_the_planted_one(tmp_path):
    first = audit_shortcuts(made_up(tmp_path, "noise"))[0]
    assert first.leading[0][0] in ("noise level", "gradient energy", "deviation")
    assert first.leading[0][1] < 0.02
    assert {species.name for species in first.rates.species} == {"a", "b"}


@pytest.mark.parametrize("seed", range(4))
def test_the_regression_is_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    is_bonafide = rng.random(300) < 0.3
    values = rng.normal(0, 1, (300, 6)) + is_bonafide[:, None] * [1, 0.5, 0, 0, -1, 0.2]
    ours = fit(values, is_bonafide)
    oracle = LogisticRegression(class_weight="balanced", tol=1e-10, max_iter=10_000)
    oracle.fit(values, is_bonafide)
    assert np.allclose(ours, [*oracle.intercept_, *oracle.coef_[0]], atol=2e-4)
    assert np.allclose(
        expit(ours[0] + values @ ours[1:]), oracle.predict_proba(values)[:, 1], atol=1e-4
    )


class TestCues:
    def measured(self, tmp_path, pixels, name="x.png"):
        Image.fromarray(pixels).save(tmp_path / name)
        row = Row("s", "synth_made", "train", "p", "v", 0, "bonafide", "", ir=name, groups={})
        whole, background = cues.measure(tmp_path, row)[Modality.IR]
        return (
            dict(zip(cues.names_of(Modality.IR), whole, strict=True)),
            dict(zip(cues.BACKGROUND, background, strict=True)),
        )

    def test_of_a_disk_by_hand(self, tmp_path):
        face = (X - 24) ** 2 + (Y - 20) ** 2 <= 14**2
        whole, background = self.measured(tmp_path, np.where(face, 100, 0).astype(np.uint8))
        assert whole["mean"] == whole["median"] == whole["5 %"] == 100
        assert whole["deviation"] == whole["entropy"] == 0
        assert whole["face area"] == pytest.approx(np.pi * 14**2 / SIZE**2, abs=0.01)
        assert (whole["face aspect"], whole["centre x"]) == (1, 0.5)
        assert whole["centre y"] == pytest.approx(20 / SIZE)
        assert whole["saturated share"] == whole["dark share"] == whole["JPEG table"] == 0
        assert whole["file size"] == pytest.approx(np.log((tmp_path / "x.png").stat().st_size))
        assert background["mean"] == 0
        assert background["dark share"] == 1

    def test_noise_level_is_the_deviation_of_noise_and_not_of_a_slope(self, tmp_path):
        rng = np.random.default_rng(2)
        slope = 60 + 2.0 * X + 0.5 * Y
        for sigma in (4.0, 8.0):
            pixels = np.clip(slope + rng.normal(0, sigma, slope.shape), 20, 255).astype(np.uint8)
            whole, _ = self.measured(tmp_path, pixels)
            assert np.expm1(whole["noise level"]) == pytest.approx(sigma, rel=0.08)
        assert np.expm1(self.measured(tmp_path, slope.astype(np.uint8))[0]["noise level"]) < 0.5

    def test_a_crop_with_surroundings_is_all_face_but_for_its_frame(self):
        face = cues.find_face(np.full((64, 64), 90.0))
        assert face.sum() == 56 * 56

    def test_specks_beside_a_face_are_no_face(self):
        brightness = np.zeros((64, 64))
        brightness[16:48, 16:48] = 120
        brightness[30:34, 30:34] = 0  # an eye in the dark
        brightness[8:11, 8:11] = 200
        face = cues.find_face(brightness)
        assert face[32, 32]
        assert not face[9, 9]
        around = cues.find_background(face)
        assert around[9, 9]
        assert not around[13, 32]  # an edge of the face may reach there

    def test_a_black_picture_has_a_face_all_the_same(self):
        assert cues.find_face(np.zeros((32, 32))).sum() == 28 * 28

    def test_about_twenty_statistics_a_modality(self):
        assert [len(cues.names_of(m)) for m in Modality] == [24, 21, 21]


def test_a_split_without_attacks_is_named(tmp_path):
    whole = made_up(tmp_path)
    rows = tuple(r for r in whole if r.split != "dev" or r.is_bonafide)
    with pytest.raises(BadInput, match="dev has no rgb images of both classes"):
        audit_shortcuts(Manifest(tmp_path, rows))


def test_a_modality_nobody_has_is_left_out(tmp_path):
    rows = [
        Row(**{**{name: getattr(row, name) for name in Row.__slots__}, "depth": ""})
        for row in made_up(tmp_path)
    ]
    told = audit_shortcuts(Manifest(tmp_path, tuple(rows)))
    assert {shortcut.modality for shortcut in told} == {Modality.RGB, Modality.IR}


def test_the_command_prints_a_table_and_writes_json(tmp_path, monkeypatch, capsys):
    manifests.write(made_up(tmp_path, "brightness"), tmp_path / "manifest.csv")

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["flexpad", "synth-audit", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert stop.value.code in (0, None)
        return capsys.readouterr().out

    out = tmp_path / "made" / "audit.json"
    table = run(str(tmp_path / "manifest.csv"), "--out", str(out))
    assert "background alone" in table
    content = json.loads(out.read_text())
    assert content["schema"] == "flexpad.shortcuts/1"
    of_rgb, of_others = [WHOLE, SURROUNDINGS], [WHOLE, CAPTURE, SURROUNDINGS]
    assert [s["what"] for s in content["shortcuts"]] == of_rgb + of_others * 2
    assert content["shortcuts"][0]["acer_pooled"] < 0.1
    assert set(content["shortcuts"][0]["species"]) == {"a", "b"}

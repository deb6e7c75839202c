"""The frozen version: what is rendered now is what was rendered then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flexpad.synth import freeze
from flexpad.synth.config import SynthConfig
from flexpad.synth.families import FAMILIES, subjects_of
from flexpad.synth.generate import checksum, digest_of, generate, person_of, shoot
from flexpad.types import BadInput

TINY = SynthConfig(part=(1, 1, 1))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of the frozen version."""
    root = tmp_path_factory.mktemp("frozen") / "set"
    generate(root, TINY, workers=1)
    return root


@pytest.mark.parametrize("family", FAMILIES)
def test_a_handful_of_items_is_as_frozen(family: str) -> None:
    config = SynthConfig(family)  # type: ignore[arg-type]
    frozen = freeze.load(config.family, config.size)
    if frozen is None:
        pytest.skip(f"{config.name} is not frozen yet")
    other = {k: v for k, v in freeze.this_place().items() if frozen.made_with.get(k) != v}
    if other:
        pytest.skip(f"frozen with other versions than {other}")
    subject = next(s for s in subjects_of(config) if s.split == "test")
    person = person_of(config, subject)
    takes = {t.name: checksum(shoot(config, subject, t, person)) for t in subject.takes}
    assert digest_of(subject, takes) == frozen.checksums[subject.name], (
        "a pixel has changed: raise VERSION in flexpad.synth.config and run tools/freeze_synth.py"
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", ["small", "standard"])
def test_a_file_names_every_subject(family: str, size: str) -> None:
    config = SynthConfig(family, size)  # type: ignore[arg-type]
    frozen = freeze.load(config.family, config.size)
    if frozen is None:
        pytest.skip(f"{config.name} is not frozen yet")
    assert list(frozen.checksums) == [subject.name for subject in subjects_of(config)]


def test_what_was_written_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "frozen").mkdir()
    monkeypatch.setattr(freeze, "files", lambda _package: tmp_path)
    assert freeze.load("surf", "small") is None
    freeze.write(tmp_path / "frozen", "surf", "small", {"SYNT_RS0001": "0123456789abcdef"})
    found = freeze.load("surf", "small")
    assert found is not None
    assert found.checksums == {"SYNT_RS0001": "0123456789abcdef"}
    assert found.made_with == freeze.this_place()


def test_a_set_is_held_against_the_frozen_one(
    rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "frozen").mkdir()
    monkeypatch.setattr(freeze, "files", lambda _package: tmp_path)
    assert "no frozen checksums" in freeze.verdict(rendered, TINY)
    ours = freeze.checksums_of(rendered, TINY)
    freeze.write(tmp_path / "frozen", "surf", "small", {**ours, "SYNT_RS0002": "another"})
    assert freeze.verdict(rendered, TINY).endswith("every pixel of 3 subjects as frozen")
    freeze.write(tmp_path / "frozen", "surf", "small", {**ours, "SYNT_RS4001": "another"})
    told = freeze.verdict(rendered, TINY)
    assert "1 of 3 subjects differ from the frozen ones, first SYNT_RS4001;" in told
    here = freeze.this_place()
    monkeypatch.setattr(freeze, "this_place", lambda: {**here, "numpy": "9.9"})
    assert "numpy differ from those it was frozen with" in freeze.verdict(rendered, TINY)
    assert "not the frozen version" in freeze.verdict(rendered, replace(TINY, seed=1))


def test_checksums_do_not_depend_on_the_layout(rendered: Path, tmp_path: Path) -> None:
    native = replace(TINY, layout="native")
    generate(tmp_path / "set", native, workers=2)
    assert freeze.checksums_of(tmp_path / "set", native) == freeze.checksums_of(rendered, TINY)


def test_a_set_without_checksums_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no checksums"):
        freeze.checksums_of(tmp_path, TINY)

"""What is rendered is read by the readers of the real sets, without a word of complaint."""

from __future__ import annotations

import builtins
import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from flexpad import readers
from flexpad.audit import audit
from flexpad.data import protocols
from flexpad.data.images import open_image, read_array
from flexpad.data.manifest import Manifest
from flexpad.data.reading import ReadOptions
from flexpad.readers.casia_cefa.videos import parse
from flexpad.readers.wmca.videos import video_of
from flexpad.synth import generate as module
from flexpad.synth.config import SynthConfig
from flexpad.synth.families import FAMILIES, subjects_of
from flexpad.synth.generate import generate
from flexpad.synth.layouts import LAYOUTS
from flexpad.synth.layouts import wmca as wmca_layout
from flexpad.synth.sensors import Shot
from flexpad.types import MODALITIES, SPLITS, BadInput, Modality

PROTOCOLS = {
    "surf": ["synth-surf@1"],
    "cefa": [f"synth-cefa@{n}" for n in ("1.1", "1.2", "1.3", "2.1", "2.2", "4.1", "4.2", "4.3")],
    "wmca": ["synth-wmca@grandtest", "synth-wmca@loo_prints", "synth-wmca@loo_papermask"],
}
PIXELS = 128


def stand_in(config, subject, take, _person):
    """Pictures that tell which take and frame they are of, in no time."""
    rng = module.generator(config.seed, subject.name, take.name)
    shots = []
    for _ in take.frames:
        colour = rng.integers(0, 256, (PIXELS, PIXELS, 3), np.uint8)
        depth, infrared = rng.integers(0, 256, (2, PIXELS, PIXELS), np.uint8)
        millimetres = rng.integers(0, 1000, (PIXELS, PIXELS), np.uint16)
        shots.append(Shot(colour, depth, infrared, millimetres))
    return shots


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """A set of each family in either of its layouts."""
    patch = pytest.MonkeyPatch()
    patch.setattr(module, "shoot", stand_in)
    found = {}
    for family in FAMILIES:
        for layout in (family, "native"):
            root = tmp_path_factory.mktemp("sets") / f"{family}-{layout}"
            config = SynthConfig(family, layout=layout, part=(2, 1, 1))  # type: ignore[arg-type]
            assert generate(root, config, workers=1)
            found[family, layout] = root
    patch.undo()
    return found


def manifest_of(sets: dict[tuple[str, str], Path], family: str, layout: str) -> Manifest:
    return readers.read(LAYOUTS[layout].reader, sets[family, layout])


BOTH = [(family, layout) for family in FAMILIES for layout in (family, "native")]


@pytest.mark.parametrize(("family", "layout"), BOTH)
def test_the_reader_finds_nothing_wrong(sets, family, layout):
    found = audit(LAYOUTS[layout].reader, sets[family, layout], deep=True)
    assert [str(problem) for problem in found.reading.findings] == []
    assert found.reading.manifest.datasets == (f"synth_{family}",)
    assert found.reading.manifest.is_rendered
    header = found.reading.manifest.header
    assert header["rendered_name"] == f"synth-1.0-{family}-small (part 2+1+1)"
    assert header["licence"].startswith("rendered faces")


@pytest.mark.parametrize(("family", "layout"), BOTH)
def test_every_planned_frame_is_a_row(sets, family, layout):
    planned = {
        f"{subject.split}/{take.video_id}/{frame:04d}": (subject.name, take.pai_species)
        for subject in subjects_of(SynthConfig(family, part=(2, 1, 1)))
        for take in subject.takes
        for frame in take.frames
    }
    rows = manifest_of(sets, family, layout)
    assert {row.sample_id: (row.subject_id, row.pai_species) for row in rows} == planned
    assert all(row.modalities == MODALITIES and not row.thermal for row in rows)


@pytest.mark.parametrize("family", FAMILIES)
def test_both_layouts_say_the_same(sets, family):
    """Only paths and the meaning of a depth value differ."""
    blank = {"rgb": "", "depth": "", "ir": "", "depth_encoding": ""}
    ours, theirs = (
        {row.sample_id: replace(row, **blank) for row in manifest_of(sets, family, layout)}
        for layout in (family, "native")
    )
    assert ours.keys() == theirs.keys()
    for sample, row in ours.items():
        told = {name: value for name, value in row.groups.items() if value}
        other = {name: value for name, value in theirs[sample].groups.items() if value}
        assert replace(row, groups=told) == replace(theirs[sample], groups=other)


@pytest.mark.parametrize(
    ("family", "name"), [(family, name) for family in FAMILIES for name in PROTOCOLS[family]]
)
@pytest.mark.parametrize("native", [False, True], ids=["own", "native"])
def test_its_protocols_apply(sets, family, name, native):
    rows = manifest_of(sets, family, "native" if native else family)
    chosen = protocols.apply(name, rows)
    species = {split: {row.pai_species for row in chosen.split(split)} for split in SPLITS}
    if family == "surf":
        assert species["train"] & species["test"] == {""}
    if "@4" in name:
        assert species["train"] == species["dev"] == {"", "replay"}
        assert species["test"] == {"", "cloth_print", "mask_3d", "mask_silicone"}
    if name.endswith("papermask"):
        assert species["test"] == {"", "papermask"}
        assert "papermask" not in species["train"]


class TestPixels:
    def test_depth_is_in_millimetres_without_loss(self, sets):
        row = manifest_of(sets, "surf", "native").rows[3]
        config = SynthConfig("surf", part=(2, 1, 1))
        subject = next(s for s in subjects_of(config) if s.name == row.subject_id)
        take = next(t for t in subject.takes if t.video_id == row.video_id)
        shot = stand_in(config, subject, take, None)[take.frames.index(row.frame)]
        root = sets["surf", "native"]
        stored = [read_array(root, row.path(modality)) for modality in MODALITIES]
        for plane, wanted in zip(
            stored, (shot.colour, shot.millimetres, shot.infrared), strict=True
        ):
            assert plane.dtype == wanted.dtype
            assert np.array_equal(plane, wanted)
        scaled = open_image(root, row.depth, Modality.DEPTH, row.depth_encoding)
        shown = np.asarray(scaled)
        assert shown.max() == 255
        assert np.all(shown[shot.millimetres == 0] == 0)
        nearly = (shot.millimetres > 300) & (shot.millimetres < 900)
        wanted = (shot.millimetres[nearly] - 300.0) * 255 / 600
        assert np.allclose(shown[nearly], wanted, atol=1e-3)

    def test_wmca_has_the_planes_of_the_release(self, sets):
        root = sets["wmca", "wmca"]
        config = SynthConfig("wmca", part=(2, 1, 1))
        subject = subjects_of(config)[1]
        take = subject.takes[0]
        shots = stand_in(config, subject, take, None)
        rgb, cdit = (root / place for place in LAYOUTS["wmca"].places(subject, take))
        assert rgb.parent.name == "01.03.26"
        with h5py.File(rgb) as file:
            assert sorted(file) == [f"Frame_{n}" for n in range(5)]
            assert file["Frame_2/array"].shape == (3, 128, 128)
            assert np.array_equal(file["Frame_2/array"][:].transpose(1, 2, 0), shots[2].colour)
        with h5py.File(cdit) as file:
            planes = file["Frame_4/array"][:]
        assert (planes.shape, planes.dtype) == ((4, 128, 128), np.uint8)
        grey = shots[4].colour.astype(float) @ [0.299, 0.587, 0.114]
        assert np.abs(planes[0] - grey).max() <= 1
        assert np.array_equal(planes[1], shots[4].depth)
        assert np.array_equal(planes[2], shots[4].infrared)
        assert not planes[3].any()

    def test_casia_images_are_what_the_release_has(self, sets):
        modes = {"color": "RGB", "depth": "L", "ir": "L"}
        for family in ("surf", "cefa"):
            for path in sorted(sets[family, family].rglob("*.jpg"))[:30]:
                with Image.open(path) as image:
                    assert (image.mode, image.size) == (modes[path.parent.name], (128, 128))


class TestNames:
    def test_surf(self, sets):
        base = sets["surf", "surf"] / "CASIA_SURF"
        assert (base / "Data/Val/real_part/SYNT_RS4001/real.rssdk/color/0011.jpg").is_file()
        assert (base / "Data/Training/fake_part/SYNT_RS0002/06_enm_b.rssdk/ir").is_dir()

    @pytest.mark.parametrize("split", SPLITS)
    def test_surf_lists_name_exactly_the_files_there_are(self, sets, split):
        root = sets["surf", "surf"]
        protocol = root / "CASIA_SURF/protocol"
        lines = (protocol / f"CASIA_SURF@p1_image_{split}.txt").read_text().splitlines()
        listed = dict(line.rsplit(" ", 1) for line in lines)
        home = {"train": "Training", "dev": "Val", "test": "Testing"}[split]
        there = {
            path.relative_to(root).as_posix()
            for path in (root / "CASIA_SURF/Data" / home).rglob("color/*.jpg")
        }
        assert len(lines) == len(listed)
        assert set(listed) == there
        assert all(label == str(int("fake_part" in path)) for path, label in listed.items())
        videos = (protocol / f"CASIA_SURF@p1_video_{split}.txt").read_text().splitlines()
        assert {v.rsplit(" ", 1)[0] for v in videos} == {path.rsplit("/", 1)[0] for path in there}

    def test_cefa(self, sets):
        base = sets["cefa", "cefa"] / "CASIA_CeFA"
        assert (base / "Ethnicity/CA/SYNT_CA-200/2_200_1_2_1/depth/0021.jpg").is_file()
        assert (base / "Mask/Silicone-Mask/SYNT_000/2_000_0_0_2_1_1/color/0001.jpg").is_file()
        lines = (base / "protocol/CASIA_CeFA@p4.3_video_train.txt").read_text().splitlines()
        assert lines[0] == "CASIA_CeFA/Ethnicity/CA/SYNT_CA-000/2_000_1_1_1/color 0"
        assert lines[2] == "CASIA_CeFA/Ethnicity/CA/SYNT_CA-000/2_000_3_1_4/color 1"
        assert len(lines) == 2 * 3
        lists = sorted(path.name for path in (base / "protocol").iterdir())
        assert len(lists) == 8 * 2 * 3
        people = (base / "EA_Age_Gender.txt").read_text().splitlines()
        record = json.loads((base / "RENDERED.json").read_text())["subjects"]
        name, year, sex = people[0].split()
        assert (name, sex) == ("SYNT_EA-000", record["SYNT_EA-000"]["sex"][0].upper())
        assert int(year) == 2019 - record["SYNT_EA-000"]["age"]

    def test_wmca(self, sets):
        root = sets["wmca", "wmca"]
        lines = (root / "WMCA_Grandtest.txt").read_text().splitlines()
        path = "face-station/01.03.26/SYNT_W0001_01_000_0_00"
        assert lines[:2] == [
            ",client_id,filepath,group,label",
            f"1,SYNT_W0001,{path},train,bonafide",
        ]
        left = (root / "PROTOCOL-LOO_replay.csv").read_text().splitlines()
        assert left[1] == f"{path},bonafide,train"
        tested = [line.split(",")[1] for line in left if line.endswith(",eval")]
        assert sorted(tested) == ["attack", "bonafide", "bonafide"]

    def test_the_real_sets_names_mean_what_is_shown(self):
        for subject in subjects_of(SynthConfig("wmca")):
            for take in subject.takes:
                video = video_of(take.name)
                assert (video.species, video.client) == (take.pai_species, subject.name)
                assert (video.groups["glasses"] == "own") is (
                    bool(subject.glasses) and take.label == "bonafide"
                )
        for subject in subjects_of(SynthConfig("cefa")):
            for take in subject.takes:
                video = parse(take.name)
                assert (video.species, video.split) == (take.pai_species, subject.split)
                assert video.ethnicity == (subject.ethnicity or "")
                assert (video.groups["session"] == "outdoor") is take.outdoors


@pytest.mark.parametrize(("family", "layout"), [(f, f) for f in FAMILIES] + [("wmca", "native")])
def test_an_unfinished_set_is_not_read(sets, family, layout):
    record = sets[family, layout] / LAYOUTS[layout].base / "RENDERED.json"
    content = record.read_bytes()
    record.unlink()
    try:
        with pytest.raises(BadInput, match="the rendering was interrupted"):
            readers.READERS[LAYOUTS[layout].reader].read(sets[family, layout], ReadOptions())
    finally:
        record.write_bytes(content)


def test_wmca_has_one_size(tmp_path):
    with pytest.raises(BadInput, match="have 128; take the layout native"):
        generate(tmp_path / "set", SynthConfig("wmca", pixels=64), workers=1)
    assert not (tmp_path / "set").exists()


def test_without_h5py_the_line_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "h5py":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadInput, match=r"pip install flexpad\[hdf5\]"):
        wmca_layout._hdf5([0], [np.zeros((3, 128, 128), np.uint8)])


def test_an_hdf5_file_has_the_same_bytes_each_time():
    stack = [np.full((3, 128, 128), 7, np.uint8)]
    assert wmca_layout._hdf5([0], stack) == wmca_layout._hdf5([0], stack)

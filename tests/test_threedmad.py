"""3DMAD: sessions, eyes, and subjects left out."""

import h5py
import numpy as np
import pytest

from flexpad.data import protocols
from flexpad.data.loader import open_row
from flexpad.data.protocols.threedmad import SUBJECTS, split_of, split_without
from flexpad.data.reading import ReadOptions
from flexpad.readers import READERS
from flexpad.readers.threedmad import box_of
from flexpad.types import Modality
from tests.trees.threedmad import sessions

MAD = READERS["threedmad"]
FIRST = "session01/Data/01_01_01.hdf5"


@pytest.fixture
def root(tmp_path):
    return sessions(tmp_path / "3DMAD")


def kinds_of(reading):
    return {problem.kind: problem.count for problem in reading.findings}


def test_a_row(root):
    read = MAD.read(root).manifest
    mask = next(row for row in read if row.video_id == "01_03_01")
    assert (mask.label, mask.pai_species, mask.split) == ("attack", "rigid_mask", "train")
    first = read.rows[1]
    assert (first.sample_id, first.label, first.subject_id) == ("01_01_01/0001", "bonafide", "01")
    assert first.rgb == f"{FIRST}::Color_Data[1]"
    assert first.depth == f"{FIRST}::Depth_Data[1]"
    assert (first.ir, first.depth_encoding) == ("", "mad:6")


def test_the_root_may_hold_the_folder_of_the_sessions(root):
    assert MAD.read(root.parent).manifest.rows == MAD.read(root).manifest.rows


def test_box_by_hand():
    """Eyes 50 apart at 325, 200: a square of 140, its top a third of that above them."""
    assert box_of(np.array([300.0, 200.0, 350.0, 200.0])) == "255 153 395 293"
    assert box_of(np.array([350.0, 200.0, 300.0, 200.0])) == "255 153 395 293"


def test_the_box_is_cut_out(root):
    read = MAD.read(root).manifest
    assert read.rows[0].box == "2 1 14 12"
    opened = open_row(read.root, read.rows[0])
    with h5py.File(root / FIRST) as file:
        colour = file["Color_Data"][0].transpose(1, 2, 0)
        depth = file["Depth_Data"][0, 0].astype(float)
    assert np.array_equal(np.asarray(opened[Modality.RGB]), colour[1:12, 2:14])
    face = depth[1:12, 2:14]
    median = np.median(face[face > 1])
    spread = 6 * np.median(np.abs(face[face > 1] - median))
    expected = ((face - median + spread) / (2 * spread)).clip(0, 1) * 255
    assert np.allclose(np.asarray(opened[Modality.DEPTH]), expected, atol=1e-3)


def test_depth_of_8_bits_needs_no_scaling(root):
    with h5py.File(root / FIRST, "a") as file:
        depth = (file["Depth_Data"][()] // 8).astype(np.uint8)
        del file["Depth_Data"]
        file["Depth_Data"] = depth
    assert MAD.read(root).manifest.rows[0].depth_encoding == "8bit:threedmad"


@pytest.mark.parametrize("eyes", [[0, 0, 0, 0], [np.nan] * 4])
def test_a_frame_without_eyes_is_dropped_and_told(root, eyes):
    with h5py.File(root / FIRST, "a") as file:
        file["Eye_Pos"][1] = eyes
    reading = MAD.read(root)
    assert [row.frame for row in reading.manifest if row.video_id == "01_01_01"] == [0, 2]
    assert kinds_of(reading)["no_face"] == 1
    assert reading.findings.dropped == {"no_face": 1}


def test_eyes_of_another_number_of_frames_are_an_error(root):
    with h5py.File(root / FIRST, "a") as file:
        del file["Eye_Pos"]
        file["Eye_Pos"] = np.zeros((2, 4))
    assert kinds_of(MAD.read(root))["missing_item"] == 1


def test_a_subject_there_is_not_is_in_no_split(root):
    path = root / FIRST
    path.rename(path.with_name("18_01_01.hdf5"))
    reading = MAD.read(root)
    assert kinds_of(reading)["no_split"] == 1
    assert "18" not in {row.subject_id for row in reading.manifest}


def test_lists_only_opens_nothing(root):
    for path in root.glob("*/Data/*.hdf5"):
        path.write_bytes(b"")
    reading = MAD.read(root, ReadOptions(lists_only=True))
    assert len(reading.manifest) == 18


def test_every_subject_is_in_one_split():
    counts = [[split_of(s) for s in SUBJECTS].count(split) for split in ("train", "dev", "test")]
    assert counts == [7, 5, 5]
    assert split_of("00") == split_of("18") == split_of("x") == ""


@pytest.mark.parametrize("left_out", SUBJECTS)
def test_one_subject_left_out(left_out):
    splits = [split_without(left_out, subject) for subject in SUBJECTS]
    assert [splits.count(split) for split in ("train", "dev", "test")] == [8, 8, 1]
    assert splits[SUBJECTS.index(left_out)] == "test"


def test_left_out_in_a_manifest(root):
    chosen = protocols.apply("threedmad@loo_13", MAD.read(root).manifest)
    by_split = {
        split: {row.subject_id for row in chosen.split(split)} for split in ("train", "dev")
    }
    assert by_split == {"train": {"14", "01", "02"}, "dev": {"08", "09"}}
    assert {row.subject_id for row in chosen.split("test")} == {"13"}

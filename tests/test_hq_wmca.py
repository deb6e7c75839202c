"""HQ-WMCA: streams of several lengths, and lists with and without what was curated away."""

import h5py
import numpy as np
import pytest

from flexpad.data import protocols
from flexpad.data.loader import open_row
from flexpad.readers import READERS
from flexpad.types import BadInput, Modality
from tests.trees.hq_wmca import DAY, FIRST, VIDEOS, recordings

HQ = READERS["hq_wmca"]


@pytest.fixture
def root(tmp_path):
    return recordings(tmp_path / "hq")


def kinds_of(reading):
    return {problem.kind: problem.count for problem in reading.findings}


def test_a_row(root):
    rows = HQ.read(root).manifest.rows
    row = rows[5]  # the second frame of the mask
    name = VIDEOS["train"][1]
    assert row.sample_id == f"train/{name}/0001"
    assert (row.subject_id, row.label, row.pai_species) == ("1_0002", "attack", "flexiblemask")
    assert row.rgb == f"{DAY}/{name}.h5::BASLER_BGR[1][::-1]"
    assert row.ir == f"{DAY}/{name}.h5::BASLER_LEFT_NIR_850nm[0]"
    assert row.depth == f"{DAY}/{name}.h5::REALSENSE_DEPTH[1]"
    assert (row.depth_encoding, row.ir_encoding) == ("mad:6", "mad:3")
    assert row.groups["instrument"] == "06_01_005"
    assert row.groups["curated"] == ""


def test_colour_is_turned_to_rgb_and_infrared_keeps_its_bits(root):
    read = HQ.read(root).manifest
    opened = open_row(read.root, read.rows[2])
    with h5py.File(root / DAY / f"{FIRST}.h5") as file:
        bgr = file["BASLER_BGR"][2]
        assert np.array_equal(np.asarray(opened[Modality.RGB]), bgr[::-1].transpose(1, 2, 0))
        raw = file["BASLER_LEFT_NIR_850nm"][1, 0].astype(float)
    assert opened[Modality.IR].mode == "F"
    shades = np.asarray(opened[Modality.IR])
    inside = (shades > 0) & (shades < 255)
    assert np.corrcoef(raw[inside], shades[inside])[0, 1] == pytest.approx(1)


def test_what_could_be_several_streams_is_not_guessed(root):
    with h5py.File(root / DAY / f"{FIRST}.h5", "a") as file:
        file["OTHER_DEPTH"] = file["REALSENSE_DEPTH"][()]
        file["DEPTH_SCALE"] = 0.001
    first = next(row for row in HQ.read(root).manifest if row.video_id == FIRST)
    assert first.depth == first.depth_encoding == ""


@pytest.mark.parametrize("name", ["1_01_0001_0000_11_00_000-ab", "1_01_0001_0000_00_00-ab", "x"])
def test_a_name_that_says_nothing(root, name):
    path = root / "PROTOCOL-grand_test.csv"
    path.write_text(path.read_text().replace(FIRST, name))
    assert kinds_of(HQ.read(root)) == {"malformed_line": 1}


def test_what_is_curated_is_told_by_its_list_alone(root):
    whole = HQ.read(root).manifest
    with pytest.raises(BadInput, match=r"PROTOCOL-grand_test-curated\.csv was not there"):
        protocols.apply("hq_wmca@grandtest_curated", whole)
    lines = (root / "PROTOCOL-grand_test.csv").read_text().splitlines()
    makeup = VIDEOS["eval"][1]
    kept = [line for line in lines if makeup not in line]
    (root / "PROTOCOL-grand_test-curated.csv").write_text("\n".join(kept) + "\n")
    read = HQ.read(root).manifest
    curated = {row.video_id: row.groups["curated"] for row in read}
    assert curated.pop(makeup) == "no"
    assert set(curated.values()) == {"yes"}
    assert len(read) == len(whole)


def test_a_species_is_left_out(root):
    read = HQ.read(root).manifest
    chosen = protocols.PROTOCOLS["hq_wmca@loo_makeup"].choose(read)
    left = {(row.split, row.pai_species) for row in chosen}
    assert ("test", "makeup") in left
    chosen = protocols.PROTOCOLS["hq_wmca@loo_glasses"].choose(read)
    left = {(row.split, row.pai_species) for row in chosen}
    assert left == {("train", ""), ("train", "flexiblemask"), ("dev", ""), ("test", "")}
    with pytest.raises(BadInput, match="no attack of species 'tattoo'"):
        protocols.apply("hq_wmca@loo_tattoo", read)

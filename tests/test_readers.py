"""One body for every registered reader, on a miniature tree in its layout and on broken twins."""

import pytest

from flexpad.data import manifest
from flexpad.readers import READERS
from flexpad.types import SPLITS, BadInput, Modality
from tests import trees

# reader -> what writes a tree in its layout, and the switches that break it beyond use
TREES = {"casia_surf": trees.casia_surf}
HARMLESS = [{}, {"crlf": True}, {"bom": True}, {"blank_lines": True}]
HARMFUL = {
    "flipped_labels": (("dev",), "line 1: the label says attack, but the path"),
    "swapped_lists": (("train", "test"), "the two labels are swapped in this list"),
    "absolute_path": (True, "line 1: '/data/"),
    "missing_item": (True, "unpack the data set completely"),
    "images": (False, "unpack the data set completely"),
}


@pytest.fixture(params=sorted(TREES))
def name(request):
    return request.param


def test_every_reader_has_its_tree():
    assert set(TREES) == set(READERS)


@pytest.mark.parametrize("switches", HARMLESS, ids=str)
def test_a_tree_becomes_a_manifest_with_every_split_class_and_modality(name, switches, tmp_path):
    read = READERS[name](TREES[name](tmp_path / "data", **switches))
    manifest.validate(read)
    for split in SPLITS:
        read.split(split).require_both_classes()
    assert all(row.modalities == tuple(Modality) for row in read)
    assert all((read.root / row.path(m)).is_file() for row in read for m in Modality)
    assert read.header["reader"].startswith(name)
    assert read.header["licence"]


@pytest.mark.parametrize("switches", HARMLESS, ids=str)
def test_how_a_list_is_dressed_changes_no_row(name, switches, tmp_path):
    plain = READERS[name](TREES[name](tmp_path / "plain"))
    dressed = READERS[name](TREES[name](tmp_path / "dressed", **switches))
    assert dressed.rows == plain.rows


def test_two_readings_are_equal_and_survive_the_file(name, tmp_path):
    root = TREES[name](tmp_path / "data")
    first, second = READERS[name](root), READERS[name](root)
    assert first == second
    manifest.write(first, tmp_path / "manifest.csv")
    back = manifest.read(tmp_path / "manifest.csv")
    assert (back.rows, back.header, back.root) == (first.rows, first.header, first.root)


def test_a_missing_depth_image_is_absent_and_counted(name, tmp_path):
    read = READERS[name](TREES[name](tmp_path, missing_depth=True))
    assert [row.modalities for row in read if row.modalities != tuple(Modality)] == [
        (Modality.RGB, Modality.IR)
    ]
    assert read.header["absent_depth"] == "1"


@pytest.mark.parametrize("switch", HARMFUL)
def test_a_broken_twin_is_refused_in_one_line(name, switch, tmp_path):
    value, message = HARMFUL[switch]
    root = TREES[name](tmp_path, **{switch: value})
    with pytest.raises(BadInput) as caught:
        READERS[name](root)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_of_something_else_is_refused(name, tmp_path):
    with pytest.raises(BadInput, match=str(tmp_path)):
        READERS[name](tmp_path)

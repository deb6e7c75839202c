"""One body for every reader and layout: its miniature tree, and every broken twin of it."""

import pytest

from flexpad.audit import audit
from flexpad.data import manifest
from flexpad.data.findings import KINDS, Severity
from flexpad.data.reading import ReadOptions
from flexpad.data.sampling import FrameSampling
from flexpad.readers import READERS
from flexpad.types import SPLITS, BadInput
from tests.trees import TREES
from tests.trees.tree import HARMLESS, TWINS


@pytest.fixture(params=sorted(TREES), ids="-".join)
def case(request):
    """A reader, a layout, and what writes its tree."""
    name, layout = request.param
    return name, layout, TREES[request.param]


def kinds_of(found):
    return {problem.kind for problem in found.reading.findings}


def errors_of(found):
    return [str(problem) for problem in found.reading.findings.of(Severity.ERROR)]


def test_every_reader_has_a_tree_for_every_layout():
    layouts = {(name, layout.name) for name in READERS for layout in READERS[name].layouts}
    assert set(TREES) == layouts


def test_a_good_tree_becomes_a_manifest_that_survives_its_file(case, tmp_path):
    name, layout, tree = case
    root = tree.write(tmp_path / "data")
    found = audit(name, root, ReadOptions(layout), tree.protocol, deep=True)
    assert errors_of(found) == []
    assert found.reading.layout.name == layout
    read = found.manifest()
    assert read.header["reader"].startswith(name)
    assert read.header["licence"]
    for split in SPLITS if tree.protocol else ():
        read.split(split).require_both_classes()
    if name != "folder":
        wanted = tree.modalities.split()
        assert {m for row in read for m in wanted if getattr(row, m)} == set(wanted)
    for suffix in ("csv", "parquet"):
        path = tmp_path / f"manifest.{suffix}"
        manifest.write(read, path)
        back = manifest.read(path)
        assert (back.rows, back.header, back.root) == (read.rows, read.header, read.root)


def test_two_readings_are_equal(case, tmp_path):
    name, layout, tree = case
    root = tree.write(tmp_path / "data")
    first, second = (READERS[name].read(root, ReadOptions(layout)) for _ in range(2))
    assert first.manifest == second.manifest


def test_one_frame_of_each_video(case, tmp_path):
    name, layout, tree = case
    root = tree.write(tmp_path / "data")
    whole = READERS[name].read(root, ReadOptions(layout)).manifest
    sampled = READERS[name].read(root, ReadOptions(layout, FrameSampling("even", 1))).manifest
    videos = [row.video_id for row in sampled]
    assert sorted(videos) == sorted({row.video_id for row in whole})
    assert sampled.header["frames"] == "even, 1 a video"


@pytest.mark.parametrize("twin", TWINS)
def test_a_broken_twin_is_found_out(case, twin, tmp_path):
    name, layout, tree = case
    if twin in tree.not_applicable:
        pytest.skip(tree.not_applicable[twin])
    root = tree.write(tmp_path / "twin", **{twin: True})
    kinds = TWINS[twin]
    options = ReadOptions(None if twin == "two_layouts" else layout)
    if kinds is None:
        with pytest.raises(BadInput) as caught:
            audit(name, root, options)
        assert "\n" not in str(caught.value)
        assert str(root) in str(caught.value)
        return
    found = audit(name, root, options, deep=twin == "truncated_image")
    assert kinds_of(found) & set(kinds)
    if twin in HARMLESS:
        good = READERS[name].read(tree.write(tmp_path / "good"), ReadOptions(layout))
        assert found.reading.manifest.rows == good.manifest.rows
    if any(KINDS[kind].severity is Severity.ERROR for kind in kinds):
        with pytest.raises(BadInput) as caught:
            found.manifest()
        assert "\n" not in str(caught.value)
    else:
        assert errors_of(found) == []


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    for name in READERS:
        with pytest.raises(BadInput, match=str(tmp_path)):
            READERS[name].read(tmp_path)
        with pytest.raises(BadInput, match="is no folder"):
            READERS[name].read(tmp_path / "gone")


def test_every_twin_names_a_kind_there_is():
    assert {kind for kinds in TWINS.values() for kind in kinds or ()} <= set(KINDS)

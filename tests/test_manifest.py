"""The manifest: what is written reads back equal, and what cannot be used is refused."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexpad.data import manifest
from flexpad.data.manifest import COLUMNS, OPTIONAL, Manifest, Row
from flexpad.types import SPLITS, BadInput, Modality

BONA_FIDE = Row("a/1", "casia_surf", "train", "s1", "s1/bonafide", 1, "bonafide", rgb="a.jpg")
ATTACK = Row("a/2", "casia_surf", "train", "s1", "s1/print", 2, "attack", "print", ir="b.png")
REQUIRED = [name for name in COLUMNS if name not in OPTIONAL]
NAMES = ",".join(REQUIRED)
LINE = "a/1,casia_surf,train,s1,s1/bonafide,1,bonafide,,a.jpg,,,"


def written(tmp_path, text, name="manifest.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal_of(path):
    with pytest.raises(BadInput) as caught:
        manifest.read(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(str(path))


def test_the_file_is_plain_csv_under_comment_lines(tmp_path):
    rows = (BONA_FIDE, replace(ATTACK, groups={"light": "dim, or less"}, box="0 0 5.5 6"))
    path = tmp_path / "manifest.csv"
    manifest.write(Manifest(tmp_path / "data", rows, {"licence": "none: needed"}), path)
    assert path.read_text() == (
        "# root: data\n"
        "# licence: none: needed\n"
        "sample_id,dataset,split,subject_id,video_id,frame,label,pai_species,rgb,depth,ir,box,"
        "group_light\n"
        "a/1,casia_surf,train,s1,s1/bonafide,1,bonafide,,a.jpg,,,,\n"
        'a/2,casia_surf,train,s1,s1/print,2,attack,print,,,b.png,0 0 5.5 6,"dim, or less"\n'
    )


def test_an_absent_modality_is_an_empty_cell():
    assert BONA_FIDE.modalities == (Modality.RGB,)
    assert ATTACK.modalities == (Modality.IR,)
    assert ATTACK.path(Modality.RGB) == ""
    assert BONA_FIDE.is_bonafide
    assert not ATTACK.is_bonafide


def test_manifest_and_data_can_be_moved_together(tmp_path):
    (tmp_path / "here" / "runs").mkdir(parents=True)
    (tmp_path / "here" / "data").mkdir()
    path = tmp_path / "here" / "runs" / "manifest.csv"
    manifest.write(Manifest(tmp_path / "here" / "data", (BONA_FIDE,)), path)
    (tmp_path / "here").rename(tmp_path / "there")
    read = manifest.read(tmp_path / "there" / "runs" / "manifest.csv")
    assert read.root == (tmp_path / "there" / "data").resolve()


def test_without_a_root_line_paths_start_beside_the_manifest(tmp_path):
    assert manifest.read(written(tmp_path, f"{NAMES}\n{LINE}\n")).root == tmp_path.resolve()


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff# source: x\n{NAMES}\n{LINE}\n",
        f"# source: x\r\n{NAMES}\r\n{LINE}\r\n",
        f"# source: x\n#\n\n{NAMES}\n\n{LINE}\n\n",
        f"# source: x\n{NAMES}\n{LINE}",
        f"# source: x\n# source: x\n{NAMES}\n{LINE}\n",
    ],
    ids=["byte-order mark", "CRLF", "blank lines", "no last newline", "same header line twice"],
)
def test_what_editors_do_to_a_file_does_not_matter(tmp_path, text):
    read = manifest.read(written(tmp_path, text))
    assert read.rows == (BONA_FIDE,)
    assert read.header == {"source": "x"}


def test_columns_may_stand_in_any_order(tmp_path):
    order = [*reversed(REQUIRED), "group_light"]
    cells = dict(zip(REQUIRED, LINE.split(","), strict=True)) | {"group_light": "dim"}
    text = f"{','.join(order)}\n{','.join(cells[name] for name in order)}\n"
    assert manifest.read(written(tmp_path, text)).rows == (
        replace(BONA_FIDE, groups={"light": "dim"}),
    )


def test_a_cell_that_begins_with_a_hash_is_no_comment(tmp_path):
    rows = (replace(BONA_FIDE, sample_id="#1"), replace(ATTACK, sample_id="# root: /etc"))
    path = tmp_path / "manifest.csv"
    manifest.write(Manifest(tmp_path, rows), path)
    assert manifest.read(path).rows == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": has no column names"),
        ("# root: .\n", ": has no column names"),
        (f"{NAMES}\n", ": has no rows"),
        (b"\xff\xd8\xff\xe0", ": is not UTF-8 text"),
        (b"\0\0\0\n", ": is not a text file"),
        (f"{NAMES.replace('label', 'lable')}\n{LINE}\n", "'lable' is unknown; did you mean 'label"),
        (f"{NAMES.replace(',box', '')}\n{LINE[:-1]}\n", ": column 'box' is missing"),
        (f"{NAMES},rgb\n{LINE},\n", ": column 'rgb' stands 2 times"),
        (f"{NAMES},group_a,group_a\n{LINE},,\n", ": column 'group_a' stands 2 times"),
        (f"{NAMES},group_\n{LINE},x\n", ": row 'a/1': a group has no name"),
        (f"{NAMES}\n{LINE},\n", ", line 2: has 13 cells, not 12"),
        (f"# a: b\n{NAMES}\n{LINE}\na,b\n", ", line 4: has 2 cells, not 12"),
        (f"{NAMES}\n{LINE}\n{LINE}\n", ": sample_id 'a/1' stands 2 times"),
        (f"{NAMES}\n{LINE.replace('s1/', chr(34) + 's1')}\n", ", line 2: is not CSV"),
        (f'{NAMES}\n{LINE[:-1]},"open\n', ", line 2: is not CSV"),
        (f"{NAMES}\n{LINE}{'x' * 200_000}\n", "xx should be four numbers"),
        (f"# a: 1\n# a: 2\n{NAMES}\n{LINE}\n", ", line 2: header key 'a' stands there already"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, text, message):
    assert message in refusal_of(written(tmp_path, text))


@pytest.mark.parametrize("mark", ["\n", "\r", "\r\n"])
def test_a_line_break_in_a_cell_is_refused_both_ways(tmp_path, mark):
    row = replace(BONA_FIDE, pai_species="", subject_id=f"s{mark}1")
    path = tmp_path / "manifest.csv"
    with pytest.raises(BadInput, match="row 'a/1': a cell holds a line break"):
        manifest.write(Manifest(tmp_path, (row,)), path)
    assert list(tmp_path.iterdir()) == []
    text = f"{NAMES}\n{LINE.replace(',s1,', f',{chr(34)}s{mark}1{chr(34)},')}\n"
    assert "row 'a/1': a cell holds a line break" in refusal_of(written(tmp_path, text))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert ": cannot be read (No such file" in refusal_of(tmp_path / "gone.csv")
    assert ": cannot be read (Is a directory" in refusal_of(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample_id": ""}, "sample_id, dataset, subject_id and video_id have to be given"),
        ({"dataset": ""}, "sample_id, dataset, subject_id and video_id have to be given"),
        ({"subject_id": ""}, "sample_id, dataset, subject_id and video_id have to be given"),
        ({"video_id": ""}, "sample_id, dataset, subject_id and video_id have to be given"),
        ({"label": "real"}, "label 'real' should be bonafide or attack"),
        ({"label": ""}, "label '' should be bonafide or attack"),
        ({"label": "attack"}, "pai_species has to be given for an attack"),
        ({"pai_species": "print"}, "and to be empty for a bona fide"),
        ({"split": "val"}, "split 'val' should be one of train, dev, test"),
        ({"frame": -1}, "frame -1 should not be negative"),
        ({"rgb": ""}, "has no modality at all"),
        ({"rgb": "/a.jpg"}, "a path should lie inside the root"),
        ({"depth": "a/../../b.jpg"}, "a path should lie inside the root"),
        ({"ir": "C:/a.jpg"}, "a path should lie inside the root"),
        ({"ir": "a\\b.jpg"}, "a path should lie inside the root and be written with '/'"),
        ({"box": "1 2 3"}, "box '1 2 3' should be four numbers"),
        ({"box": "1 2 3 x"}, "should be four numbers"),
        ({"box": "5 2 3 4"}, "with x0 < x1 and y0 < y1"),
        ({"box": "0 0 inf 4"}, "should be four numbers"),
        ({"box": "0 0 nan 4"}, "should be four numbers"),
        ({"groups": {"": "x"}}, "a group has no name"),
        ({"groups": {"a": "x\ny"}}, "a cell holds a line break"),
        ({"rgb": "\udcff.jpg"}, "or what is not UTF-8 text"),
        ({"rgb": "\0.jpg"}, "a cell holds a line break or"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_and_nothing_is_written(tmp_path, changes, message):
    rows = (ATTACK, replace(BONA_FIDE, **changes))
    with pytest.raises(BadInput) as caught:
        manifest.write(Manifest(tmp_path, rows, name="made up"), tmp_path / "manifest.csv")
    assert str(caught.value).startswith("made up: row ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("frame", ["", "1.5", "x", "-1", "1_0", "²"])
def test_a_frame_is_a_whole_number(tmp_path, frame):
    text = f"{NAMES}\n{LINE.replace(',1,', f',{frame},')}\n"
    message = f": row 'a/1': frame {frame!r} is not a whole number"
    assert message in refusal_of(written(tmp_path, text))


@pytest.mark.parametrize(
    "header",
    [{"root": "x"}, {"": "x"}, {"a:b": "x"}, {"a": "x\ny"}, {" a": "x"}, {"a": "x "}, {"a\r": "x"}],
)
def test_a_header_that_would_not_read_back_is_refused(tmp_path, header):
    with pytest.raises(BadInput, match="header"):
        manifest.write(Manifest(tmp_path, (BONA_FIDE,), header), tmp_path / "manifest.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_would_not_read_back_is_refused(tmp_path):
    with pytest.raises(BadInput, match="root 'data ' is not plain text"):
        manifest.write(Manifest(tmp_path / "data ", (BONA_FIDE,)), tmp_path / "manifest.csv")


def test_no_rows_are_no_manifest(tmp_path):
    with pytest.raises(BadInput, match=r"^manifest: has no rows$"):
        manifest.write(Manifest(tmp_path, ()), tmp_path / "manifest.csv")


def test_a_file_that_cannot_be_written_leaves_what_was_there(tmp_path):
    path = tmp_path / "manifest.csv"
    manifest.write(Manifest(tmp_path, (BONA_FIDE,)), path)
    before = path.read_bytes()
    with pytest.raises(BadInput, match="has no modality"):
        manifest.write(Manifest(tmp_path, (replace(BONA_FIDE, rgb=""),)), path)
    with pytest.raises(BadInput, match=r"cannot be written \(Not a directory"):
        manifest.write(Manifest(tmp_path, (BONA_FIDE,)), path / "manifest.csv")
    with pytest.raises(BadInput, match=r"cannot be written \(No such file"):
        manifest.write(Manifest(tmp_path, (BONA_FIDE,)), tmp_path / "gone" / "manifest.csv")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_split_is_its_rows(tmp_path):
    whole = Manifest(tmp_path, (BONA_FIDE, replace(ATTACK, split="dev")), {"a": "b"}, "made up")
    assert whole.split("dev").rows == (whole.rows[1],)
    assert whole.split("dev").header == {"a": "b"}
    assert len(whole) == 2
    assert list(whole) == list(whole.rows)
    with pytest.raises(BadInput, match=r"^made up: has no rows with split 'test'$"):
        whole.split("test")


@pytest.mark.parametrize(("row", "missing"), [(BONA_FIDE, "attack"), (ATTACK, "bonafide")])
def test_both_classes_are_needed(tmp_path, row, missing):
    Manifest(tmp_path, (BONA_FIDE, ATTACK)).require_both_classes()
    with pytest.raises(BadInput, match=f"^manifest: split 'train' has no {missing} rows$"):
        Manifest(tmp_path, (row,)).require_both_classes()


def test_one_rendered_row_makes_the_manifest_rendered(tmp_path):
    assert not Manifest(tmp_path, (BONA_FIDE,)).is_rendered
    assert Manifest(tmp_path, (BONA_FIDE, replace(ATTACK, dataset="synth_surf"))).is_rendered


def test_sha256_is_that_of_the_bytes(tmp_path):
    content = b"x" * 3_000_000
    (tmp_path / "x").write_bytes(content)
    assert manifest.sha256(tmp_path / "x") == hashlib.sha256(content).hexdigest()


# Anything but line breaks, NUL and half characters; the marks that CSV and comments care about
# come often.
cells = st.text(
    st.sampled_from("#,\"' :;\t")
    | st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0"),
    max_size=10,
)
filled = cells.filter(bool)
inside = (
    st.lists(filled, min_size=1, max_size=3)
    .map("/".join)
    .filter(lambda path: not manifest_path_escapes(path))
)


def manifest_path_escapes(path):
    first, *_ = path
    return first in "/~" or "\\" in path or ".." in Path(path).parts or path[1:3] == ":/"


@st.composite
def rows(draw):
    label = draw(st.sampled_from(["bonafide", "attack"]))
    images = draw(st.lists(inside, min_size=3, max_size=3))
    present = draw(st.sampled_from([(1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 1, 1)]))
    corner = st.floats(min_value=-9, max_value=9)
    x, y = draw(corner), draw(corner)
    return Row(
        sample_id=draw(filled),
        dataset=draw(filled),
        split=draw(st.sampled_from(SPLITS)),
        subject_id=draw(filled),
        video_id=draw(filled),
        frame=draw(st.integers(min_value=0, max_value=10**12)),
        label=label,
        pai_species=draw(filled) if label == "attack" else "",
        rgb=images[0] if present[0] else "",
        depth=images[1] if present[1] else "",
        ir=images[2] if present[2] else "",
        thermal=draw(st.sampled_from(["", "t.png"])),
        depth_encoding=draw(st.sampled_from(["", "mm:250-1500"])),
        box=draw(st.sampled_from(["", f"{x} {y} {x + 1} {y + 0.5}"])),
        groups=draw(st.dictionaries(filled, cells, max_size=3)),
    )


stripped = cells.map(str.strip)
headers = st.dictionaries(
    stripped.filter(lambda key: bool(key) and ":" not in key and key != "root"),
    stripped,
    max_size=3,
)


@settings(max_examples=150)
@given(
    rows=st.lists(rows(), min_size=1, max_size=4, unique_by=lambda row: row.sample_id),
    header=headers,
)
def test_what_is_written_reads_back_equal(rows, header, tmp_path_factory):
    folder = tmp_path_factory.mktemp("manifest")
    path = folder / "manifest.csv"
    manifest.write(Manifest(folder / "data", tuple(rows), header), path)
    read = manifest.read(path)
    names = {name for row in rows for name in row.groups}
    expected = [
        replace(row, groups={name: row.groups.get(name, "") for name in names}) for row in rows
    ]
    assert list(read.rows) == expected
    assert dict(read.header) == header
    assert read.root == (folder / "data").resolve()

    manifest.write(read, folder / "again.csv")
    assert (folder / "again.csv").read_bytes() == path.read_bytes()

"""List files as data sets publish them, with one path a line or one per modality."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexpad.data import columns, lists
from flexpad.data.findings import Findings
from flexpad.types import BadInput

LABELS = {"0": "bonafide", "1": "attack"}
TWO_LINES = b"a/1.jpg 0\nb/2.jpg 1\n"
NAMES = {"color": "rgb", "depth": "depth", "ir": "ir"}


@pytest.fixture
def findings():
    return Findings()


def written(tmp_path, content):
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    return path


def only(findings):
    """The one kind of problem that was found, and its examples."""
    (problem,) = findings
    return problem


@pytest.mark.parametrize(
    ("content", "numbers", "kinds"),
    [
        (TWO_LINES, [1, 2], []),
        (b"a/1.jpg 0\nb/2.jpg 1", [1, 2], ["no_last_newline"]),
        (b"a/1.jpg 0\r\nb/2.jpg 1\r\n", [1, 2], ["crlf"]),
        (b"\xef\xbb\xbfa/1.jpg 0\nb/2.jpg 1\n", [1, 2], ["byte_order_mark"]),
        (b"a/1.jpg 0\n\nb/2.jpg 1\n", [1, 3], ["blank_line"]),
        (b"a/1.jpg\t0 \n b/2.jpg   1\t\n", [1, 2], []),
        (
            b"\xef\xbb\xbfa/1.jpg 0\r\n\r\nb/2.jpg 1",
            [1, 3],
            ["crlf", "byte_order_mark", "blank_line", "no_last_newline"],
        ),
    ],
    ids=["plain", "no last newline", "CRLF", "BOM", "blank line", "tabs and spaces", "all"],
)
def test_the_same_list_in_every_dress(tmp_path, findings, content, numbers, kinds):
    found = lists.read(written(tmp_path, content), LABELS, findings)
    assert [(line.paths, line.label) for line in found.lines] == [
        (("a/1.jpg",), "bonafide"),
        (("b/2.jpg",), "attack"),
    ]
    assert [line.number for line in found.lines] == numbers
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert [problem.kind for problem in findings] == kinds
    assert findings.dropped == {}


def test_polarity_is_what_the_reader_says(tmp_path, findings):
    swapped = {"1": "bonafide", "0": "attack"}
    found = lists.read(written(tmp_path, TWO_LINES), swapped, findings)
    assert [line.label for line in found.lines] == ["attack", "bonafide"]


@pytest.mark.parametrize("width", [1, 2])
def test_a_path_may_hold_spaces_where_there_is_only_one(tmp_path, findings, width):
    content = b"my data/1.jpg 0\n" if width == 2 else b"my data/1.jpg\n"
    labels = LABELS if width == 2 else None
    found = lists.read(written(tmp_path, content), labels, findings, width)
    assert found.lines[0].paths == ("my data/1.jpg",)


def test_four_columns_are_three_paths_and_a_label(tmp_path, findings):
    path = written(tmp_path, b"c/1.jpg d/1.jpg i/1.jpg 1\n")
    found = lists.read(path, LABELS, findings, columns=4)
    assert found.lines[0].paths == ("c/1.jpg", "d/1.jpg", "i/1.jpg")


def test_three_columns_without_a_label(tmp_path, findings):
    path = written(tmp_path, b"c/1.jpg d/1.jpg i/1.jpg \n")
    found = lists.read(path, None, findings, columns=3)
    assert (found.lines[0].paths, found.lines[0].label) == (("c/1.jpg", "d/1.jpg", "i/1.jpg"), "")


@pytest.mark.parametrize(
    ("content", "width", "kind", "message"),
    [
        (b"a/1.jpg 0\nb/2.jpg\n", 2, "malformed_line", "line 2: has 1 columns, not 2"),
        (b"a d i 0\na d 0\n", 4, "malformed_line", "line 2: has 3 columns, not 4"),
        (b"a d i t 0\na d i 0\n", 4, "malformed_line", "line 1: has 5 columns, not 4"),
        (b"a/1.jpg 2\na/2.jpg 0\n", 2, "malformed_line", "label '2' should be 0 or 1"),
        (b"a 0\n/data/2.jpg 1\n", 2, "outside_path", "line 2: '/data/2.jpg'"),
        (b"a 0\na/../../2.jpg 1\n", 2, "outside_path", "line 2: 'a/../../2.jpg'"),
        (b"a 0\n~/2.jpg 1\n", 2, "outside_path", "line 2: '~/2.jpg'"),
        (b"C:/2.jpg 1\na 0\n", 2, "outside_path", "line 1: 'C:/2.jpg'"),
        (b"a\\2.jpg 1\na 0\n", 2, "outside_path", r"line 1: 'a\\2.jpg'"),
        (b"a d /i 0\na d i 1\n", 4, "outside_path", "line 1: '/i'"),
        (b"a/1 0\nb/1 1\na/1 0\n", 2, "repeated_line", "line 3: 'a/1' stands in line 1 too"),
        (b"a/1 0\nb/1 1\na/1 1\n", 2, "line_against_line", "line 3: 'a/1' stands in line 1 too"),
    ],
)
def test_a_line_that_cannot_be_used_is_noted_and_dropped(
    tmp_path, findings, content, width, kind, message
):
    lines_there = content.count(b"\n")
    found = lists.read(written(tmp_path, content), LABELS, findings, width)
    assert len(found.lines) == lines_there - 1
    problem = only(findings)
    assert (problem.kind, problem.count) == (kind, 1)
    assert problem.examples[0].startswith(f"{tmp_path / 'list.txt'}, line ")
    assert message in problem.examples[0]
    assert findings.dropped == {kind: 1}


@pytest.mark.parametrize("content", [b"", b"\n\r\n \n", b"\xef\xbb\xbf"])
def test_a_list_without_lines_is_refused(tmp_path, findings, content):
    with pytest.raises(BadInput, match=r"list\.txt: is empty$"):
        lists.read(written(tmp_path, content), LABELS, findings)


def test_a_list_that_is_no_text_is_refused(tmp_path, findings):
    with pytest.raises(BadInput, match=r"list\.txt: is not UTF-8 text"):
        lists.read(written(tmp_path, b"\xff\xd8\xff 0\n"), LABELS, findings)


def test_a_list_that_is_not_there_is_refused(tmp_path, findings):
    with pytest.raises(BadInput, match=r"gone\.txt: cannot be read \(No such file"):
        lists.read(tmp_path / "gone.txt", LABELS, findings)


def test_labels_are_held_against_what_the_paths_say(tmp_path, findings):
    found = lists.read(written(tmp_path, TWO_LINES), LABELS, findings)
    lists.check_labels(found, ["bonafide", ""], findings)
    assert list(findings) == []
    lists.check_labels(found, ["bonafide", "bonafide"], findings)
    assert only(findings).kind == "label_against_path"
    example = only(findings).examples[0]
    assert "list.txt, line 2: the label says attack, but the path 'b/2.jpg' says bona" in example
    assert "swapped" not in example


def test_labels_that_are_wrong_in_every_line_are_swapped(tmp_path, findings):
    found = lists.read(written(tmp_path, TWO_LINES), LABELS, findings)
    lists.check_labels(found, ["attack", "bonafide"], findings)
    assert only(findings).count == 2
    assert "in every line: the two labels are swapped in this list" in only(findings).examples[0]


def test_a_list_is_named_from_the_root_where_it_lies_below(tmp_path, findings):
    found = lists.read(written(tmp_path, TWO_LINES), LABELS, findings)
    assert found.source(tmp_path) == f"list.txt sha256 {found.sha256}"
    assert found.source(tmp_path / "deeper").startswith(f"{tmp_path}/list.txt sha256 ")


class TestColumns:
    """One path per modality, told by its folder or by the end of its file name."""

    @staticmethod
    def told(tmp_path, findings, text, names=NAMES):
        path = written(tmp_path, f"{text} 1\n".encode())
        listing = lists.read(path, LABELS, findings, len(text.split()) + 1)
        return columns.by_folder(listing.lines[0], names, listing, findings)

    @pytest.mark.parametrize(
        "text",
        [
            "v/color/31.jpg v/depth/31.jpg v/ir/31.jpg",
            "v/color/31.jpg v/depth/0031.jpg v/ir/31.png",
            "Val/0000/31-color.jpg Val/0000/31-depth.jpg Val/0000/31-ir.jpg",
        ],
    )
    def test_columns_in_order(self, tmp_path, findings, text):
        found = self.told(tmp_path, findings, text)
        assert list(found.items()) == list(zip(NAMES.values(), text.split(), strict=True))
        assert list(findings) == []

    @given(order=st.permutations(["color", "depth", "ir"]))
    def test_the_order_of_columns_never_matters(self, order, tmp_path_factory):
        findings = Findings()
        text = " ".join(f"v/{name}/7.jpg" for name in order)
        found = self.told(tmp_path_factory.mktemp("lists"), findings, text)
        assert found == {"rgb": "v/color/7.jpg", "depth": "v/depth/7.jpg", "ir": "v/ir/7.jpg"}
        assert list(found) == ["rgb", "depth", "ir"]
        swapped = [problem.kind for problem in findings]
        assert swapped == ([] if order == ["color", "depth", "ir"] else ["swapped_columns"])

    def test_two_columns_of_three_modalities(self, tmp_path, findings):
        found = self.told(tmp_path, findings, "v/color/7.jpg v/ir/7.jpg")
        assert found == {"rgb": "v/color/7.jpg", "ir": "v/ir/7.jpg"}
        assert list(findings) == []

    def test_rgb_may_be_called_otherwise(self, tmp_path, findings):
        names = {"profile": "rgb", "depth": "depth"}
        found = self.told(tmp_path, findings, "v/depth/7.jpg v/profile/7.jpg", names)
        assert found == {"rgb": "v/profile/7.jpg", "depth": "v/depth/7.jpg"}
        assert only(findings).examples[0].endswith("line 1: depth, rgb instead of rgb, depth")

    @pytest.mark.parametrize(
        ("text", "kind", "message"),
        [
            ("v/color/1.jpg v/nir/1.jpg", "modality_against_folder", "'v/nir/1.jpg' names no"),
            ("v/1.jpg v/ir/1.jpg", "modality_against_folder", "should be one of color, depth, ir"),
            ("color/x/1.jpg v/ir/1.jpg", "modality_against_folder", "'color/x/1.jpg' names no"),
            ("v/ir/1.jpg w/ir/1.jpg", "modality_against_folder", "is a second ir image"),
            ("v/color/1.jpg v/ir/2.jpg", "frame_mismatch", "are not of one frame"),
            ("v/color/1.jpg w/ir/1.jpg", "frame_mismatch", "are not of one frame"),
            ("v/1-color.jpg w/2-ir.jpg", "frame_mismatch", "are not of one frame"),
            ("v/color/a.jpg v/ir/a.jpg", "malformed_line", "'v/color/a.jpg' should be a numbered"),
            ("v/color/1.txt v/ir/1.txt", "malformed_line", "such as 0015.jpg"),
        ],
    )
    def test_columns_that_do_not_belong_together(self, tmp_path, findings, text, kind, message):
        assert self.told(tmp_path, findings, text) is None
        assert (only(findings).kind, findings.dropped) == (kind, {kind: 1})
        assert f"{tmp_path / 'list.txt'}, line 1: " in only(findings).examples[0]
        assert message in only(findings).examples[0]

    def test_lines_of_another_data_set_are_dropped_and_counted(self, tmp_path, findings):
        path = written(tmp_path, b"A/1.jpg 0\nB/1.jpg 1\nA/2.jpg 1\nBA/3.jpg 0\n")
        listing = lists.read(path, LABELS, findings)
        own = columns.own_lines(listing, re.compile("A/"), findings)
        assert [line.number for line in own.lines] == [1, 3]
        assert (own.path, own.sha256) == (listing.path, listing.sha256)
        assert (only(findings).kind, only(findings).count) == ("foreign_line", 2)
        assert findings.dropped == {"foreign_line": 2}

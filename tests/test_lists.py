"""List files as data sets publish them."""

import hashlib

import pytest

from flexpad.data import lists
from flexpad.types import BadInput

LABELS = {"0": "bonafide", "1": "attack"}
TWO_LINES = b"a/1.jpg 0\nb/2.jpg 1\n"


def written(tmp_path, content):
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "numbers"),
    [
        (TWO_LINES, [1, 2]),
        (b"a/1.jpg 0\nb/2.jpg 1", [1, 2]),
        (b"a/1.jpg 0\r\nb/2.jpg 1\r\n", [1, 2]),
        (b"\xef\xbb\xbfa/1.jpg 0\nb/2.jpg 1\n", [1, 2]),
        (b"\n\na/1.jpg 0\n  \nb/2.jpg 1\n\n", [3, 5]),
        (b"a/1.jpg\t0 \n b/2.jpg   1\t\n", [1, 2]),
    ],
    ids=["plain", "no last newline", "CRLF", "byte-order mark", "blank lines", "tabs and spaces"],
)
def test_the_same_list_in_every_dress(tmp_path, content, numbers):
    found = lists.read(written(tmp_path, content), LABELS)
    assert [(line.paths, line.label) for line in found.lines] == [
        (("a/1.jpg",), "bonafide"),
        (("b/2.jpg",), "attack"),
    ]
    assert [line.number for line in found.lines] == numbers
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def test_polarity_is_what_the_reader_says(tmp_path):
    swapped = {"1": "bonafide", "0": "attack"}
    found = lists.read(written(tmp_path, TWO_LINES), swapped)
    assert [line.label for line in found.lines] == ["attack", "bonafide"]


def test_a_path_may_hold_spaces_where_there_is_only_one(tmp_path):
    found = lists.read(written(tmp_path, b"my data/1.jpg 0\n"), LABELS)
    assert found.lines[0].paths == ("my data/1.jpg",)


def test_four_columns_are_three_paths_and_a_label(tmp_path):
    found = lists.read(written(tmp_path, b"c/1.jpg d/1.jpg i/1.jpg 1\n"), LABELS, columns=4)
    assert found.lines[0].paths == ("c/1.jpg", "d/1.jpg", "i/1.jpg")


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        (b"", 2, "list.txt: is empty"),
        (b"\n\r\n \n", 2, "list.txt: is empty"),
        (b"a/1.jpg 0\nb/2.jpg\n", 2, "list.txt, line 2: has 1 columns, not 2"),
        (b"a d i 0\na d 0\n", 4, "list.txt, line 2: has 3 columns, not 4"),
        (b"a d i t 0\n", 4, "list.txt, line 1: has 5 columns, not 4"),
        (b"a/1.jpg 2\n", 2, "list.txt, line 1: label '2' should be 0 or 1"),
        (b"a/1.jpg 0\n/data/2.jpg 1\n", 2, "line 2: '/data/2.jpg' should be a path inside"),
        (b"a/1.jpg 0\na/../../2.jpg 1\n", 2, "line 2: 'a/../../2.jpg' should be a path inside"),
        (b"C:/2.jpg 1\n", 2, "line 1: 'C:/2.jpg' should be a path inside"),
        (b"a\\2.jpg 1\n", 2, "should be a path inside the data set, with '/'"),
        (b"a d /i 0\n", 4, "line 1: '/i' should be a path inside"),
        (b"a/1.jpg 0\nb 1\n\na/1.jpg 0\n", 2, "line 4: 'a/1.jpg' stands in line 1 already"),
        (b"a/1.jpg 0\na/1.jpg 1\n", 2, "line 2: 'a/1.jpg' stands in line 1 already"),
        (b"\xff\xd8\xff 0\n", 2, "list.txt: is not UTF-8 text"),
    ],
)
def test_a_broken_list_is_refused_with_its_line(tmp_path, content, columns, message):
    with pytest.raises(BadInput) as caught:
        lists.read(written(tmp_path, content), LABELS, columns)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_list_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"gone\.txt: cannot be read \(No such file"):
        lists.read(tmp_path / "gone.txt", LABELS)


def test_labels_are_held_against_what_the_paths_say(tmp_path):
    found = lists.read(written(tmp_path, TWO_LINES), LABELS)
    lists.check_labels(found, ["bonafide", "attack"])
    with pytest.raises(
        BadInput, match=r"list\.txt, line 2: the label says attack.*'b/2.jpg' says"
    ) as one:
        lists.check_labels(found, ["bonafide", "bonafide"])
    assert "1 of 2 lines; correct the list" in str(one.value)
    with pytest.raises(BadInput, match=r"line 1: the label says bona fide") as both:
        lists.check_labels(found, ["attack", "bonafide"])
    assert "2 of 2 lines; the two labels are swapped in this list" in str(both.value)

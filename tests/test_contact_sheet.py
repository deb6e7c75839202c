"""Contact sheets: what is pasted where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flexpad.synth.contact_sheet import (
    BACKGROUND,
    BETWEEN,
    Item,
    Layout,
    Line,
    draw_overview,
    draw_sheet,
)

SIDE = 24
LAYOUT = Layout(tile=SIDE, columns=2, caption=12, label=70, header=20)
RED, GREY, WHITE = (250, 0, 0), 90, 255


def item(colour: tuple[int, int, int] = RED) -> Item:
    """RGB is of a colour, depth is missing, infrared is white."""
    size = (SIDE, SIDE)
    return Item((Image.new("RGB", size, colour), None, Image.new("L", size, WHITE)), "who, what")


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as sheet:
        return np.asarray(sheet)


def tile(sheet: np.ndarray, left: int, top: int) -> np.ndarray:
    return sheet[top : top + SIDE, left : left + SIDE]


def test_items_stand_beside_each_other(tmp_path: Path) -> None:
    lines = [Line("one", [item()]), Line("other", [item(), item((0, 0, 250))])]
    draw_sheet(lines, tmp_path / "sheet.png", LAYOUT)
    sheet = pixels(tmp_path / "sheet.png")
    assert sheet.shape == (LAYOUT.height(2), LAYOUT.width, 3)
    left, top = LAYOUT.margin + LAYOUT.label, LAYOUT.margin + LAYOUT.header + LAYOUT.row
    assert (tile(sheet, left, top) == RED).all()
    assert (tile(sheet, left + SIDE + BETWEEN, top) == 0).all()  # absent
    assert (tile(sheet, left + 2 * (SIDE + BETWEEN), top) == WHITE).all()
    assert (tile(sheet, left + LAYOUT.item + LAYOUT.gap, top) == (0, 0, 250)).all()


def test_names_and_captions_are_written_beside_and_below(tmp_path: Path) -> None:
    draw_sheet([Line("bent_print", [item()], "prints")], tmp_path / "sheet.png", LAYOUT)
    sheet = pixels(tmp_path / "sheet.png")
    left, top = LAYOUT.margin + LAYOUT.label, LAYOUT.margin + LAYOUT.header
    empty = np.array(BACKGROUND)
    assert (sheet[top : top + SIDE, : left - 2] != empty).any()  # the name
    below = sheet[top + SIDE : top + SIDE + LAYOUT.caption, left : left + LAYOUT.item]
    assert (below != empty).any()
    beside = sheet[top:, left + LAYOUT.item + 1 :]
    assert (beside == empty).all()  # there is no second item


def test_a_long_name_stays_in_its_column(tmp_path: Path) -> None:
    layout = replace(LAYOUT, label=104)
    draw_sheet([Line("mannequin_head_long", [item()])], tmp_path / "sheet.png", layout)
    sheet = pixels(tmp_path / "sheet.png")
    left = layout.margin + layout.label
    top = layout.margin + layout.header
    assert (sheet[top:, left - 6 : left] == BACKGROUND).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_overview_has_images_below_each_other(count: int, tmp_path: Path) -> None:
    draw_overview([Line("one", [item()])] * count, tmp_path / "all.png", LAYOUT)
    sheet = pixels(tmp_path / "all.png")
    last = count - 1
    left = LAYOUT.margin + LAYOUT.label + last % 2 * (SIDE + LAYOUT.gap)
    block = LAYOUT.header + LAYOUT.item + LAYOUT.caption + LAYOUT.gap
    top = LAYOUT.margin + LAYOUT.header + last // 2 * block
    assert (tile(sheet, left, top) == RED).all()
    assert (tile(sheet, left, top + SIDE + BETWEEN) == 0).all()
    assert (tile(sheet, left, top + 2 * (SIDE + BETWEEN)) == WHITE).all()
    assert len(sheet) == 2 * LAYOUT.margin + -(-count // 2) * block


def test_a_larger_image_is_made_smaller_and_a_smaller_one_is_not_enlarged(tmp_path: Path) -> None:
    large, small = Image.new("L", (96, 48), GREY), Image.new("L", (8, 8), GREY)
    draw_sheet([Line("x", [Item((large, small, None))])], tmp_path / "sheet.png", LAYOUT)
    sheet = pixels(tmp_path / "sheet.png")
    left, top = LAYOUT.margin + LAYOUT.label, LAYOUT.margin + LAYOUT.header
    assert (tile(sheet, left, top)[..., 0] == GREY).sum() == SIDE * SIDE // 2
    assert (tile(sheet, left + SIDE + BETWEEN, top)[..., 0] == GREY).sum() == 64

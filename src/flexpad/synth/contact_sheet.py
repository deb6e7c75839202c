"""Pictures that show a data set: what is presented, each moment as RGB, depth and infrared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from flexpad.data.images import open_image
from flexpad.data.manifest import Manifest, Row
from flexpad.files import whole_file
from flexpad.types import MODALITIES, BadInput, Modality

BACKGROUND, INK, FAINT = (250, 250, 248), (28, 30, 34), (118, 122, 130)
TILE_BACKGROUND = (0, 0, 0)
TITLES = {Modality.RGB: "RGB", Modality.DEPTH: "depth", Modality.IR: "infrared"}
BETWEEN = 2  # pixels between the images of an item


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes in pixels.

    Attributes:
        tile: Side of one image.
        columns: Items in a row.
        bonafide_rows: Rows of bona fide presentations; every species has one.
        gap: Between items.
        label: Width of the column of names.
        header: Height above the first row.
        margin: Around everything.
        caption: Height below a row for what its items are called; 0 for none.
    """

    tile: int = 104
    columns: int = 4
    bonafide_rows: int = 3
    gap: int = 12
    label: int = 106
    header: int = 30
    margin: int = 14
    caption: int = 0

    @property
    def item(self) -> int:
        """Width of one item: its three images."""
        return self.tile * len(MODALITIES) + BETWEEN * (len(MODALITIES) - 1)

    @property
    def row(self) -> int:
        """From the top of one row to that of the next."""
        return self.tile + self.caption + self.gap // 2

    @property
    def width(self) -> int:
        """Width of the sheet."""
        items = self.columns * self.item + (self.columns - 1) * self.gap
        return 2 * self.margin + self.label + items

    def height(self, rows: int) -> int:
        """Height of a sheet of some rows."""
        return 2 * self.margin + self.header + rows * self.row - self.gap // 2


@dataclass(frozen=True, slots=True)
class Item:
    """One moment.

    Attributes:
        images: In the order of ``MODALITIES``; None where one is absent.
        caption: What it is called.
    """

    images: tuple[Image.Image | None, ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """Items of one kind of presentation.

    Attributes:
        name: Of the kind; words may be joined by underscores.
        items: At most as many as a sheet has columns.
        over: What stands above the name, fainter.
    """

    name: str
    items: Sequence[Item]
    over: str = ""


def contact_sheet(manifest: Manifest, path: Path, layout: Layout | None = None) -> None:
    """Write a sheet of a manifest: bona fide rows first, then one row per species.

    Every row takes other subjects where there are enough, in the order of the manifest, so that
    the same manifest gives the same sheet.

    Args:
        manifest: Rendered or real; the rows' images are opened, an absent modality stays empty.
        path: The PNG to write.
        layout: Sizes; about 1,400 pixels wide unless given.

    Raises:
        BadInput: The manifest has no rows, or an image cannot be read.
    """
    layout = layout or Layout()
    lines = list(_lines(manifest, layout))
    if not lines:
        raise BadInput(f"{manifest.name}: has no rows to show")
    draw_sheet(lines, path, layout)


def draw_sheet(lines: Sequence[Line], path: Path, layout: Layout) -> None:
    """Write a sheet with a row for each line, its items beside each other.

    Args:
        lines: From top to bottom.
        path: The PNG to write.
        layout: Sizes.
    """
    sheet = Image.new("RGB", (layout.width, layout.height(len(lines))), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    first = layout.margin + layout.label
    for column in range(layout.columns):
        left = first + column * (layout.item + layout.gap)
        for number, title in enumerate(TITLES.values()):
            middle = left + number * (layout.tile + BETWEEN) + layout.tile / 2
            _write(draw, (middle, layout.margin + layout.header / 2 - 4), title, 14, "mm")
    for number, line in enumerate(lines):
        top = layout.margin + layout.header + number * layout.row
        _write_name(draw, line, (layout.margin, top + layout.tile / 2), layout.label - 6)
        for column, item in enumerate(line.items):
            left = first + column * (layout.item + layout.gap)
            for place, image in enumerate(item.images):
                corner = (left + place * (layout.tile + BETWEEN), top)
                _paste(sheet, image, corner, layout.tile)
            below = top + layout.tile + layout.caption / 2
            _write(draw, (left, below), item.caption, 11, "lm")
    _save(sheet, path)


def draw_overview(lines: Sequence[Line], path: Path, layout: Layout) -> None:
    """Write a sheet with a block for the first item of each line, its images below each other.

    Args:
        lines: From left to right, and on in further rows of blocks.
        path: The PNG to write.
        layout: Sizes; ``header`` is the height of a block's title.
    """
    height = layout.header + layout.item + layout.caption + layout.gap
    down = -(-len(lines) // layout.columns)
    width = layout.columns * (layout.tile + layout.gap) - layout.gap
    size = (2 * layout.margin + layout.label + width, 2 * layout.margin + down * height)
    sheet = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    first = layout.margin + layout.label
    for number, line in enumerate(lines):
        below, column = divmod(number, layout.columns)
        left, top = first + column * (layout.tile + layout.gap), layout.margin + below * height
        words = _wrapped(line.name.replace("_", " "), layout.tile, 14)
        for row, text in enumerate(reversed(words)):
            title = (left + layout.tile / 2, top + layout.header - 10 - 16 * row)
            _write(draw, title, text, 14, "mm", INK)
        for place, image in enumerate(line.items[0].images):
            corner = (left, top + layout.header + place * (layout.tile + BETWEEN))
            _paste(sheet, image, corner, layout.tile)
            if not column:
                middle = (layout.margin, corner[1] + layout.tile / 2)
                _write(draw, middle, tuple(TITLES.values())[place], 14, "lm")
    _save(sheet, path)


def _lines(manifest: Manifest, layout: Layout) -> Iterator[Line]:
    """Pick and open the items."""
    bonafide = _one_per_subject([row for row in manifest.rows if row.is_bonafide])
    for start in range(0, layout.bonafide_rows * layout.columns, layout.columns):
        rows = bonafide[start : start + layout.columns]
        if rows:
            yield Line("bona fide", [_open(manifest.root, row) for row in rows])
    species = sorted({row.pai_species for row in manifest.rows if not row.is_bonafide})
    for number, name in enumerate(species):
        rows = _one_per_subject([row for row in manifest.rows if row.pai_species == name])
        start = (number * layout.columns) % max(len(rows), 1)
        rows = (rows[start:] + rows[:start])[: layout.columns]
        yield Line(name, [_open(manifest.root, row) for row in rows], "attack")


def _one_per_subject(rows: Sequence[Row]) -> list[Row]:
    """The first row of each subject, spread over the splits' order in the manifest."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.subject_id, row)
    return list(first.values())


def _open(root: Path, row: Row) -> Item:
    images = []
    for modality in MODALITIES:
        image = None
        if row.path(modality):
            encoding = row.encoding(modality)
            image = open_image(root, row.path(modality), modality, encoding, row.box)
            image = image.convert("L") if image.mode == "F" else image
        images.append(image)
    return Item(tuple(images))


def _paste(
    sheet: Image.Image, image: Image.Image | None, corner: tuple[int, int], side: int
) -> None:
    """Paste an image into the middle of a tile, smaller if it has to be."""
    tile = Image.new("RGB", (side, side), TILE_BACKGROUND)
    if image is not None:
        image = image.convert("RGB")
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        tile.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    sheet.paste(tile, corner)


def _write_name(
    draw: ImageDraw.ImageDraw, line: Line, place: tuple[float, float], width: int, size: int = 16
) -> None:
    """Write the name of a line around a height, as many words beside each other as fit."""
    lines = [(text, size, INK) for text in _wrapped(line.name.replace("_", " "), width, size)]
    if line.over:
        lines.insert(0, (line.over, size - 2, FAINT))
    left, middle = place
    for number, (text, height, fill) in enumerate(lines):
        below = 1.25 * size * (number - (len(lines) - 1) / 2)
        _write(draw, (left, middle + below), text, height, "lm", fill)


def _wrapped(text: str, width: int, size: int) -> list[str]:
    """Break a text between words where it gets too wide."""
    font = ImageFont.load_default(size)
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _write(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    size: float,
    anchor: str,
    fill: tuple[int, int, int] = FAINT,
) -> None:
    draw.text(place, text, fill=fill, font=ImageFont.load_default(size), anchor=anchor)


def _save(sheet: Image.Image, path: Path) -> None:
    with whole_file(path) as partial:
        sheet.save(partial, format="PNG", optimize=True)

"""One picture that shows a data set: rows are presentations, each item as RGB, depth, infrared."""

from __future__ import annotations

from collections.abc import Sequence
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
    """

    tile: int = 104
    columns: int = 4
    bonafide_rows: int = 3
    gap: int = 12
    label: int = 106
    header: int = 30
    margin: int = 14

    @property
    def item(self) -> int:
        """Width of one item: its three images."""
        return self.tile * len(MODALITIES) + 2 * (len(MODALITIES) - 1)

    @property
    def width(self) -> int:
        """Width of the sheet."""
        items = self.columns * self.item + (self.columns - 1) * self.gap
        return 2 * self.margin + self.label + items

    def height(self, rows: int) -> int:
        """Height of a sheet of some rows."""
        return 2 * self.margin + self.header + rows * self.tile + (rows - 1) * self.gap // 2


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
    rows = _choose(manifest, layout)
    if not rows:
        raise BadInput(f"{manifest.name}: has no rows to show")
    sheet = Image.new("RGB", (layout.width, layout.height(len(rows))), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    _draw_header(draw, layout)
    for number, (name, items) in enumerate(rows):
        top = layout.margin + layout.header + number * (layout.tile + layout.gap // 2)
        _draw_name(draw, name, top, layout)
        for column, item in enumerate(items):
            left = layout.margin + layout.label + column * (layout.item + layout.gap)
            _paste_item(sheet, manifest.root, item, (left, top), layout)
    with whole_file(path) as partial:
        sheet.save(partial, format="PNG", optimize=True)


def _choose(manifest: Manifest, layout: Layout) -> list[tuple[str, list[Row]]]:
    """Pick the items: a name and up to ``columns`` rows of the manifest for each line."""
    chosen = []
    bonafide = _one_per_subject([row for row in manifest.rows if row.is_bonafide])
    for start in range(0, layout.bonafide_rows * layout.columns, layout.columns):
        items = bonafide[start : start + layout.columns]
        if items:
            chosen.append(("bona fide", items))
    species = sorted({row.pai_species for row in manifest.rows if not row.is_bonafide})
    for number, name in enumerate(species):
        items = _one_per_subject([row for row in manifest.rows if row.pai_species == name])
        start = (number * layout.columns) % max(len(items), 1)
        chosen.append((name, (items[start:] + items[:start])[: layout.columns]))
    return chosen


def _one_per_subject(rows: Sequence[Row]) -> list[Row]:
    """The first row of each subject, spread over the splits' order in the manifest."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.subject_id, row)
    return list(first.values())


def _draw_header(draw: ImageDraw.ImageDraw, layout: Layout) -> None:
    font = ImageFont.load_default(14)
    for column in range(layout.columns):
        for number, modality in enumerate(MODALITIES):
            left = layout.margin + layout.label + column * (layout.item + layout.gap)
            middle = left + number * (layout.tile + 2) + layout.tile / 2
            place = (middle, layout.margin + layout.header / 2 - 4)
            draw.text(place, TITLES[modality], fill=FAINT, font=font, anchor="mm")


def _draw_name(draw: ImageDraw.ImageDraw, name: str, top: int, layout: Layout) -> None:
    """Write the name of a row, one word below the other."""
    font = ImageFont.load_default(16)
    words = name.replace("_", " ").split()
    lines = [" ".join(words)] if len(words) < 3 else [" ".join(words[:2]), " ".join(words[2:])]
    if name != "bona fide":
        lines = ["attack", *lines]
    first = top + layout.tile / 2 - 10 * (len(lines) - 1)
    for number, line in enumerate(lines):
        fill = FAINT if line == "attack" else INK
        draw.text((layout.margin, first + 20 * number), line, fill=fill, font=font, anchor="lm")


def _paste_item(
    sheet: Image.Image, root: Path, row: Row, corner: tuple[int, int], layout: Layout
) -> None:
    left, top = corner
    for number, modality in enumerate(MODALITIES):
        place = (left + number * (layout.tile + 2), top)
        tile = Image.new("RGB", (layout.tile, layout.tile), TILE_BACKGROUND)
        if row.path(modality):
            image = _open(root, row, modality)
            image.thumbnail((layout.tile, layout.tile), Image.Resampling.LANCZOS)
            inset = ((layout.tile - image.width) // 2, (layout.tile - image.height) // 2)
            tile.paste(image, inset)
        sheet.paste(tile, place)


def _open(root: Path, row: Row, modality: Modality) -> Image.Image:
    path, encoding = row.path(modality), row.encoding(modality)
    image = open_image(root, path, modality, encoding, row.box)
    return (image.convert("L") if image.mode == "F" else image).convert("RGB")

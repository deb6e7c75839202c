"""What can be chosen about a rendered set, and the name of the version it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flexpad.types import SPLITS, BadInput

VERSION = "synth-1.0"  # a new one whenever a pixel changes
FROZEN_SEED, FROZEN_PIXELS = 0, 128

FamilyName = Literal["surf", "cefa", "wmca"]
SizeName = Literal["small", "standard"]
LayoutName = Literal["native", "surf", "cefa", "wmca"]


@dataclass(frozen=True, slots=True)
class SynthConfig:
    """What to render.

    Attributes:
        family: Which real data set it is modelled on: its species, names and protocols.
        size: About 5,000 items, or about 7,000; the small set is a part of the standard one.
        layout: release is that of the family's real set, as its authors give it out; native has
            lossless images and depth in millimetres.
        seed: The same seed gives the same files, byte for byte, with the same versions of the
            libraries on the same kind of processor.
        pixels: Side of the pictures.
        part: Only so many subjects of train, dev and test; in CeFA of each ethnicity and mask.
    """

    family: FamilyName = "surf"
    size: SizeName = "small"
    layout: Literal["release"] | LayoutName = "release"
    seed: int = FROZEN_SEED
    pixels: int = FROZEN_PIXELS
    part: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        if self.layout not in ("release", "native", self.family):
            raise BadInput(
                f"synth: the layout {self.layout} has no names for what the family {self.family}"
                f" shows; take native or {self.family}"
            )
        if self.seed < 0:
            raise BadInput(f"synth: seed is {self.seed}, it should be 0 or more")
        if not 16 <= self.pixels <= 1024:
            raise BadInput(f"synth: pixels is {self.pixels}, it should be 16 to 1024")
        if self.part is not None and (len(self.part) != len(SPLITS) or min(self.part) < 1):
            raise BadInput(
                f"synth: part is {self.part}, it should be three numbers (train, dev, test) of 1"
                " or more"
            )

    @property
    def layout_name(self) -> LayoutName:
        """The layout that is written."""
        return self.family if self.layout == "release" else self.layout

    @property
    def is_frozen(self) -> bool:
        """Whether what is rendered belongs to the frozen version, all of it or a part."""
        return (self.seed, self.pixels) == (FROZEN_SEED, FROZEN_PIXELS)

    @property
    def name(self) -> str:
        """What to call the set, e.g. ``synth-1.0-surf-small``; says so if it is another one."""
        changes = [
            f"seed {self.seed}" if self.seed != FROZEN_SEED else "",
            f"{self.pixels} pixels" if self.pixels != FROZEN_PIXELS else "",
            f"part {'+'.join(map(str, self.part))}" if self.part else "",
        ]
        said = ", ".join(filter(None, changes))
        return f"{VERSION}-{self.family}-{self.size}" + (f" ({said})" if said else "")

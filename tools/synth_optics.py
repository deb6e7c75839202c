"""What the materials of the rendered benchmark reflect and who is shown in it, as tables.

Ranges are those of what is actually drawn, so that they follow the code: the middle nine tenths of
so many draws with a fixed seed.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from tools.markdown import percent, table

from flexpad.synth import person as channels
from flexpad.synth.coat import PLASTIC, RESIN, SILICONE, draw_coat
from flexpad.synth.config import FamilyName, SynthConfig
from flexpad.synth.families import subjects_of
from flexpad.synth.generate import person_of
from flexpad.synth.head import REGION, head_model
from flexpad.synth.lights import INDOORS, OUTDOORS, draw_illumination
from flexpad.synth.media import draw_cloth, draw_ink
from flexpad.synth.motion import DISTANCE, PITCH, ROLL, YAW
from flexpad.synth.person import MELANIN, TONES, Person, draw_person
from flexpad.synth.screen import DEVICES, INCH, draw_screen
from flexpad.synth.sensors import draw_sensors
from flexpad.synth.skin import HAIR, skin_reflectance

SEED, DRAWS, PEOPLE = 0, 2000, 120
MIDDLE = (5, 95)  # per cent of the draws
BLOOD = 0.0075  # of the dermis, as pale skin of a face has
COATS = {"resin (rigid mask)": RESIN, "silicone": SILICONE, "plastic (mannequin)": PLASTIC}
Draws = NDArray[np.floating]


def optics() -> str:
    """Reflectance in R, G, B and at 850 nm of skin and of everything that is to look like it."""
    rng = np.random.default_rng(SEED)
    people = [draw_person(rng) for _ in range(PEOPLE)]
    inks = [draw_ink(rng) for _ in range(DRAWS)]
    cloths = [draw_cloth(rng) for _ in range(DRAWS)]
    rows = [["skin, bona fide", *_ranges(_face(person) for person in people)]]
    for name, recipe in COATS.items():
        coats = (draw_coat(rng, person, recipe).paint[:, 3:7] for person in people)
        rows.append([f"coat of {name}", *_ranges(_of_skin(paint) for paint in coats)])
    rows.append(["paper, blank", *_ranges(ink.paper for ink in inks)])
    blackest = (_printed_black(ink.paper, ink.black, ink.carbon) for ink in inks)
    rows.append(["paper, darkest print", *_ranges(blackest)])
    rows.append(["cloth, blank", *_ranges(cloth.fibre for cloth in cloths)])
    darkest = (_printed_black(cloth.fibre, cloth.black, cloth.left) for cloth in cloths)
    rows.append(["cloth, darkest print", *_ranges(darkest)])
    for name, device in DEVICES.items():
        panels = [[draw_screen(rng, device).panel] for _ in range(DRAWS)]
        rows.append([f"screen of a {name}", "glows", "glows", "glows", *_ranges(panels)])
    return table(("material", "R", "G", "B", "850 nm"), rows, "lrrrr")


def skin() -> str:
    """Reflectance of skin by its melanin, and of hair."""
    named = {
        share: f", median of {name.capitalize()} descent" for name, (share, _) in MELANIN.items()
    }
    shares = sorted({0.01, 0.40, *named})
    tone = [next(name for name, limit in TONES.items() if share <= limit) for share in shares]
    found = skin_reflectance(np.array(shares, np.float32), np.full(len(shares), BLOOD, np.float32))
    rows = [
        [
            f"skin, {percent(share, 1)} melanin ({tone}{named.get(share, '')})",
            *map(_decimal, values),
        ]
        for share, tone, values in zip(shares, tone, found, strict=True)
    ]
    rows += [[f"hair, {name}", *map(_decimal, values)] for name, values in HAIR.items()]
    return table(("material", "R", "G", "B", "850 nm"), rows, "lrrrr")


def screens() -> str:
    """The devices of replays."""
    rows = [
        [
            name,
            "{:.1f} to {:.1f}".format(*(side / INCH for side in device.diagonals)),
            "{:.0f} to {:.0f}".format(*(density * INCH for density in device.density)),
            *(percent(share) for share in (device.oled, device.matt, device.held)),
        ]
        for name, device in DEVICES.items()
    ]
    head = ("device", "inches", "pixels an inch", "OLED", "matt", "held in a hand")
    return table(head, rows, "lrrrrr")


def lights() -> str:
    """The lights of places: how often, and how bright they are at 850 nm against their RGB."""
    rows = []
    for place, shares in (("indoors", INDOORS), ("outdoors", OUTDOORS)):
        rng = np.random.default_rng(SEED)
        drawn = [draw_illumination(rng, place == "outdoors") for _ in range(DRAWS)]
        for kind, share in shares.items():
            ratio = [[x.infrared_key / x.key_colour.max()] for x in drawn if x.kind == kind]
            rows.append([place, kind, percent(share), *_ranges(ratio)])
    return table(("place", "main light", "share", "850 nm over RGB"), rows, "llrr")


def sensors() -> str:
    """What the cameras of recordings are like."""
    rng = np.random.default_rng(SEED)
    drawn = [draw_sensors(rng) for _ in range(DRAWS)]
    depth = [sensor.depth for sensor in drawn]
    structured = sum(sensor.baseline != 0 for sensor in depth) / len(depth)
    measured: Mapping[str, tuple[list[float], int]] = {
        "colour: blur of the lens, pixels": ([x.focus for x in drawn], 2),
        "colour: JPEG quality of the camera": ([x.quality for x in drawn], 0),
        "colour: noise at middle grey, % of white": ([100 * x.grain for x in drawn], 2),
        "colour: share of a colour cast taken out": ([x.balance for x in drawn], 2),
        "infrared: blur of the lens, pixels": ([x.infrared_focus for x in drawn], 2),
        "infrared: noise, % of white": ([100 * x.infrared_grain for x in drawn], 2),
        "depth: axial noise at half a metre, mm": ([1000 * x.axial for x in depth], 2),
        "depth: slow error over the picture, mm": ([1000 * x.ripple for x in depth], 2),
        "depth: edge pixels without return": ([x.holes for x in depth], 2),
        "depth: edge pixels between two surfaces": ([x.flying for x in depth], 2),
    }
    rows = [["depth: structured light, not time of flight", f"{percent(structured)} of recordings"]]
    for name, (values, digits) in measured.items():
        low, high = np.percentile(values, MIDDLE)
        rows.append([name, f"{low:.{digits}f}–{high:.{digits}f}"])  # noqa: RUF001
    rows.append(["distance of a face, m", f"{DISTANCE[0]:.2f}–{DISTANCE[1]:.2f}"])  # noqa: RUF001
    for name, spread in (("yaw", YAW), ("pitch", PITCH), ("roll", ROLL)):
        rows.append([f"{name} of a recording, standard deviation", f"{np.degrees(spread):.0f}°"])
    return table(("what is drawn for a recording", "middle nine tenths"), rows, "lr")


def people() -> str:
    """Who is shown in the standard sets."""
    rows = []
    for family in get_args(FamilyName):
        config = SynthConfig(family, "standard")
        persons = [person_of(config, subject) for subject in subjects_of(config)]
        age = sorted(person.phenotype.age for person in persons)
        women = sum(person.phenotype.male < 0.5 for person in persons)
        rows.append(
            [
                f"`{family}`",
                f"{len(persons):,}",
                percent(women / len(persons)),
                f"{age[0]:.0f} / {statistics.median(age):.0f} / {age[-1]:.0f}",
                _shares(persons, lambda person: person.phenotype.ethnicity, MELANIN),
                _shares(persons, lambda person: person.tone, TONES),
                percent(sum(person.glasses is not None for person in persons) / len(persons)),
            ]
        )
    descents = f"mostly {' / '.join(map(str.capitalize, MELANIN))}"
    ages, tones = "age: least / median / most", f"skin {' / '.join(TONES)}"
    head = ("family", "subjects", "women", ages, descents, tones, "glasses")
    return table(head, rows, "lrrrrrr")


def _shares(persons: list[Person], of: Callable[[Person], str], names: Iterable[str]) -> str:
    found = Counter(map(of, persons))
    return " / ".join(percent(found[name] / len(persons)) for name in names)


def _face(person: Person) -> Draws:
    return _of_skin(person.paint[:, channels.RGB.start : channels.NIR + 1])


def _of_skin(paint: Draws) -> Draws:
    """The middle value over the skin of a head, (4,), of values per vertex, (N, 4)."""
    here = head_model().vertex_region == REGION["skin"]
    middle: Draws = np.median(paint[here], axis=0)
    return middle


def _printed_black(sheet: Draws, black: float, left: float) -> Draws:
    """Reflectance of the darkest print: at 850 nm only a share of the picture is left."""
    return sheet * np.array([black, black, black, 1 - left * 0.94])


def _ranges(draws: Iterable[Draws | list[float]]) -> list[str]:
    """The middle nine tenths of draws of each channel."""
    low, high = np.percentile(np.array([*draws]), MIDDLE, axis=0)
    return [f"{_decimal(a)}–{_decimal(b)}" for a, b in zip(low, high, strict=True)]  # noqa: RUF001


def _decimal(value: float) -> str:
    return f"{value:.2f}".lstrip("0") if value >= 0.005 else f"{value:.3f}".lstrip("0")

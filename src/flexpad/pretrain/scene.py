"""What is in a rendered view, in plain words: the ground that captions stand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from flexpad.synth.arrays import Floats
from flexpad.synth.hair import Hair
from flexpad.synth.lights import Illumination
from flexpad.synth.motion import EXPRESSIONS, Moment, Motion
from flexpad.synth.person import BEARD, Person
from flexpad.synth.room import Room
from flexpad.synth.sensors import Sensors
from flexpad.synth.skin import HAIR, IRIS

OPPOSITE = {"left": "right", "right": "left"}

# Hues of painted and woven things by angle in degrees; greys are told by their brightness.
_HUES = {"red": 0, "orange": 30, "yellow": 58, "green": 120, "blue": 220, "purple": 285}


@dataclass(frozen=True, slots=True)
class Face:
    """What can be told about somebody in a view. "" where there is nothing to tell.

    Attributes:
        person: man or woman.
        age: young, middle-aged or old.
        skin: light, medium, brown or dark.
        texture: freckled or wrinkled.
        hair: How it is worn, or bald.
        hair_colour: Name of a colour.
        eyes: Name of a colour.
        beard: stubble, beard or moustache.
        glasses: Whether glasses are worn.
        expression: Name of one.
        turned: left or right as one sees it in the view.
        tilted: up or down.
        distance: near, middle or far by the share of the view that the face takes.
    """

    person: str
    age: str
    skin: str
    texture: str
    hair: str
    hair_colour: str
    eyes: str
    beard: str
    glasses: bool
    expression: str
    turned: str
    tilted: str
    distance: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What can be told about a view. "" where there is nothing to tell.

    Attributes:
        face: Of somebody, or None for an empty place.
        light: Kind of the main light.
        from_side: left or right, from where it comes.
        place: Colour of what fills the place behind, with "wall", or what grows there; black where
            it is cut away.
        outdoors: Whether there is open air.
        sky: Whether a horizon is seen.
        sharpness: sharp or blurred.
        grain: clean or grainy.
        grey: Whether a view is shown without its colours.
    """

    face: Face | None
    light: str
    from_side: str
    place: str
    outdoors: bool
    sky: bool
    sharpness: str
    grain: str
    grey: bool = False


def mirrored(scene: Scene) -> Scene:
    """Tell what a view shows when left and right change places."""
    face = scene.face
    if face is not None:
        face = replace(face, turned=OPPOSITE.get(face.turned, ""))
    return replace(scene, face=face, from_side=OPPOSITE.get(scene.from_side, ""))


def without_colour(scene: Scene) -> Scene:
    """Tell what is left to tell when a view is shown in shades of grey."""
    face = scene.face
    if face is not None:
        face = replace(face, hair_colour="", eyes="")
    place = "wall" if scene.place.endswith(" wall") else scene.place
    return replace(scene, face=face, place=place, grey=True)


def describe_face(person: Person, motion: Motion, moment: Moment, share: float) -> Face:
    """Tell what somebody looks like.

    Args:
        person: Who.
        motion: Whose expressions are played.
        moment: The moment that is shown.
        share: Side of the face over the side of the view.
    """
    turned, tilted = _pose(moment)
    return Face(
        person="man" if person.phenotype.male > 0.5 else "woman",
        age=_step(person.phenotype.age, {"young": 33, "middle-aged": 52}, "old"),
        skin=person.tone,
        texture=_texture(person),
        hair=_cut_name(person.hair),
        hair_colour=_hair_colour(person.hair_colour[:3]) if person.hair else "",
        eyes=nearest_colour(person.iris, IRIS).removeprefix("dark "),
        beard=_beard_name(person),
        glasses=person.glasses is not None,
        expression=_expression(motion, moment),
        turned=turned,
        tilted=tilted,
        distance=_step(share, {"far": 0.62, "middle": 0.80}, "near"),
    )


def describe(
    face: Face | None, light: Illumination, room: Room, sensors: Sensors, *, background: bool
) -> Scene:
    """Tell what a view shows.

    Args:
        face: Of somebody, or None.
        light: The light of the place.
        room: The place.
        sensors: The cameras.
        background: Whether the place is seen at all.
    """
    outdoors = room.horizon is not None
    # The key points toward the light; a light on the right of the camera shines from the right.
    side = float(light.key[0])
    blur = sensors.focus + sensors.shake
    return Scene(
        face=face,
        light=light.kind,
        from_side="" if abs(side) < 0.35 else ("right" if side > 0 else "left"),
        place=_place_name(room) if background else "black",
        outdoors=outdoors and background,
        sky=background and room.horizon is not None and room.horizon < 0.2,
        sharpness=_step(blur, {"sharp": 0.55, "": 1.1}, "blurred"),
        grain=_step(sensors.grain, {"clean": 0.007, "": 0.013}, "grainy"),
    )


def nearest_colour(rgb: Floats, named: Mapping[str, tuple[float, ...]]) -> str:
    """Find the name whose R, G, B is nearest in proportion, (3,)."""
    wanted = np.log(np.maximum(rgb, 1e-3))
    distances = {
        name: float(np.square(wanted - np.log(colour[:3])).sum()) for name, colour in named.items()
    }
    return min(distances, key=distances.__getitem__)


def colour_name(rgb: Floats) -> str:
    """Name a reflectance, (3,): a hue where it is strong enough, else a grey."""
    high, low = float(rgb.max()), float(rgb.min())
    if high - low < 0.25 * high:
        return _step(high, {"black": 0.08, "dark": 0.2, "grey": 0.45}, "white")
    red, green, blue = (float(value) for value in rgb)
    angle = np.degrees(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)) % 360
    hue = min(_HUES, key=lambda name: abs((angle - _HUES[name] + 180) % 360 - 180))
    if hue in ("orange", "yellow") and high < 0.45:
        return "brown"
    return "beige" if hue == "orange" and high - low < 0.5 * high else hue


def _step(value: float, upto: Mapping[str, float], beyond: str) -> str:
    """Name the step a value falls in; each name has its upper limit."""
    return next((name for name, limit in upto.items() if value <= limit), beyond)


def _pose(moment: Moment) -> tuple[str, str]:
    """Where a face looks, from the direction of its nose in the view."""
    nose = moment.turn[:, 2]
    turned = "" if abs(nose[0]) < 0.13 else ("right" if nose[0] > 0 else "left")
    return turned, "" if abs(nose[1]) < 0.10 else ("up" if nose[1] > 0 else "down")


def _texture(person: Person) -> str:
    if person.wrinkles > 0.35:
        return "wrinkled"
    return "freckled" if person.freckles > 0.35 else ""


def _cut_name(hair: Hair | None) -> str:
    """Name how hair is worn by what one sees of it."""
    if hair is None:
        return "bald"
    cut = hair.cut
    if cut.bare > 0:
        return "thin"
    if cut.fall > 0:
        return "wavy long" if cut.curls > 0.005 else ("long" if cut.fall > 0.14 else "chin-length")
    if cut.curls > 0.005:
        return "afro" if cut.volume > 0.045 else "curly"
    if cut.knot:
        return "tied"
    return _step(cut.volume, {"shaved": 0.0045, "very short": 0.010, "short": 0.024}, "full")


def _hair_colour(rgb: Floats) -> str:
    """Name the colour of hair, (3,); what has lost its colour is grey or white."""
    high, low = float(rgb.max()), float(rgb.min())
    if high > 0.08 and high - low < 0.35 * high:
        return "white" if high > 0.45 else "grey"
    coloured = {name: HAIR[name] for name in ("black", "dark brown", "brown", "blond", "red")}
    return nearest_colour(rgb, coloured)


def _beard_name(person: Person) -> str:
    density = person.paint[:, BEARD]
    if density.max() < 0.45:
        return ""
    if density.max() < 0.7:
        return "stubble"
    return "beard" if np.count_nonzero(density > 0.6) > 250 else "moustache"


def _expression(motion: Motion, moment: Moment) -> str:
    """Name what is played more strongly, if it is strong enough to be seen."""
    blend = 0.5 + 0.5 * float(np.sin(1.7 * moment.seconds + motion.phase[0, 0]))
    shares = dict.fromkeys(EXPRESSIONS, 0.0)
    for name, share in zip(motion.expressions, (blend, 1 - blend), strict=True):
        shares[name] += share * motion.strength
    shares["neutral"] = 0.22  # what is weaker than this nobody would name
    return max(shares, key=shares.__getitem__)


def _place_name(room: Room) -> str:
    _, green, _, infrared = (float(value) for value in room.wall)
    if room.horizon is not None and infrared > 3 * green:  # as nothing but leaves is out there
        return "leaves"
    return f"{colour_name(room.wall[:3])} wall"

"""Who is in front of the camera: shape, skin, hair and eyes of one head that does not exist."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from flexpad.synth.arrays import Floats
from flexpad.synth.clothes import Clothes, draw_clothes
from flexpad.synth.eyewear import Glasses, draw_glasses
from flexpad.synth.hair import COILED, CUTS, WORN, Hair, cover_of, grow_hair
from flexpad.synth.head import ETHNICITIES, REGION, Phenotype, head_model
from flexpad.synth.noise import smooth_noise, smoothstep
from flexpad.synth.render import Part, Scene, unit
from flexpad.synth.skin import HAIR, IRIS, skin_reflectance
from flexpad.synth.teeth import Teeth, draw_teeth

# Channels of the paint of a head, after the canonical coordinates 0 to 2.
RGB = slice(3, 6)
NIR, OIL, BEARD, SHADE, SCALP, UPPER_RIM, LOWER_RIM = 6, 7, 8, 9, 10, 11, 12
CHANNELS = 13

# Share of melanosomes in the epidermis by descent: median and spread of its logarithm. Jacques 1998
# gives the ranges (see skin.py); how they go with descent is rough.  # inferred
MELANIN = {"african": (0.20, 0.45), "asian": (0.050, 0.40), "caucasian": (0.022, 0.45)}
SIMILAR = 0.7  # share of attackers who chose a victim of their own descent and sex  # inferred
# Fitzpatrick-like steps for breaking rates down; upper limits of the melanin share.  # inferred
TONES = {"light": 0.030, "medium": 0.075, "brown": 0.16, "dark": 1.0}


@dataclass(frozen=True)
class Person:
    """One head.

    Attributes:
        phenotype: Descent, age and sex.
        melanin: Share of the epidermis.
        shape: Vertices of the neutral face, (N, 3) metres.
        paint: What is interpolated over the face, (N, CHANNELS).
        hair: Or None if bald.
        hair_colour: R, G, B and 850 nm, (4,); also of brows and beard.
        iris: R, G, B, (3,).
        brow: Thickness, density, arch and height of the brows, (4,).
        wrinkles: Depth of the wrinkles, 0 to 1.
        roughness: Depth of the pores, about 1.
        freckles: How many and how dark spots of melanin are, 0 to 1.
        lid_crease: How dark the fold of the upper lids is, 0 to 1.
        phase: Moves all noise, (3,) metres.
        teeth: Behind the lips.
        beard: How far a beard stands off the skin, (N,) metres.
        clothes: Below the neck.
        glasses: Or None.
    """

    phenotype: Phenotype
    melanin: float
    shape: Floats
    paint: Floats
    hair: Hair | None
    hair_colour: Floats
    iris: Floats
    brow: Floats
    wrinkles: float
    roughness: float
    freckles: float
    lid_crease: float
    phase: Floats
    teeth: Teeth
    beard: Floats
    clothes: Clothes
    glasses: Glasses | None

    @property
    def tone(self) -> str:
        """Skin tone in four steps."""
        return next(name for name, limit in TONES.items() if self.melanin <= limit)


def draw_phenotype(rng: np.random.Generator) -> Phenotype:
    """Draw a descent that is mostly one of three, an adult age and a sex."""
    mixture = rng.dirichlet([0.25, 0.25, 0.25])
    age = float(np.clip(18 + 52 * rng.beta(1.3, 1.9), 18, 78))
    mixture = mixture / mixture.sum()
    return Phenotype(
        (float(mixture[0]), float(mixture[1]), float(mixture[2])), age, float(rng.integers(2))
    )


def draw_person(
    rng: np.random.Generator, phenotype: Phenotype | None = None, hair_shows: bool = True
) -> Person:
    """Draw somebody.

    Args:
        rng: Source of everything.
        phenotype: Or any.
        hair_shows: False saves growing hair on somebody of whom only the eyes are seen.
    """
    phenotype = phenotype or draw_phenotype(rng)
    model = head_model()
    shape = model.shape(model.sample(rng, phenotype) * np.float32(0.85))
    melanin = _draw_melanin(rng, phenotype)
    colour = _draw_hair_colour(rng, phenotype, melanin)
    hair = _draw_hair(rng, phenotype, shape, colour) if hair_shows else None
    phase = rng.uniform(0, 1, 3).astype(np.float32)
    person = Person(
        phenotype=phenotype,
        melanin=melanin,
        shape=shape,
        paint=np.zeros((len(shape), CHANNELS), np.float32),
        hair=hair,
        hair_colour=colour,
        iris=_draw_iris(rng, melanin),
        brow=_draw_brow(rng, phenotype),
        wrinkles=float(np.clip((phenotype.age - 25) / 45, 0, 1) ** 1.3),
        roughness=float(rng.uniform(0.6, 1.3)),
        freckles=_draw_freckles(rng, phenotype, melanin),
        lid_crease=float(rng.uniform(0.25, 0.5) * (1 - 0.8 * phenotype.mixture[1])),
        phase=phase,
        teeth=draw_teeth(rng, shape, phenotype.age),
        beard=np.zeros(len(shape), np.float32),
        clothes=draw_clothes(rng, shape),
        glasses=draw_glasses(rng, shape) if rng.random() < _glasses_share(phenotype) else None,
    )
    paint = _paint(rng, person)
    return replace(person, paint=paint, beard=_beard_length(rng, paint[:, BEARD], phase))


def draw_accomplice(rng: np.random.Generator, victim: Person, hair_shows: bool = True) -> Person:
    """Draw who wears a mask of somebody or stands behind a print: mostly a similar person."""
    phenotype = None
    if rng.random() < SIMILAR:
        theirs = victim.phenotype
        age = float(np.clip(theirs.age + rng.normal(0, 8), 18, 78))
        phenotype = Phenotype(theirs.mixture, age, theirs.male)
    hidden = draw_person(rng, phenotype, hair_shows)
    hair = hidden.hair
    if hair is not None and hair.cut.fringe:
        hair = grow_hair(hidden.shape, replace(hair.cut, fringe=0.0), hair.colour, rng)
    # Under a mask a beard lies flat, a fringe is brushed back and glasses are taken off.
    return replace(hidden, glasses=None, beard=np.zeros_like(hidden.beard), hair=hair)


def _glasses_share(phenotype: Phenotype) -> float:
    """Share of people of an age who wear glasses in front of a camera."""
    # inferred
    return 0.15 + 0.35 * float(np.clip((phenotype.age - 38) / 25, 0, 1))


def _draw_melanin(rng: np.random.Generator, phenotype: Phenotype) -> float:
    medians = [np.log(MELANIN[name][0]) for name in ETHNICITIES]
    spreads = [MELANIN[name][1] for name in ETHNICITIES]
    centre = float(np.dot(phenotype.mixture, medians))
    spread = float(np.dot(phenotype.mixture, spreads))
    return float(np.clip(np.exp(rng.normal(centre, spread)), 0.008, 0.40))


def _draw_hair_colour(rng: np.random.Generator, phenotype: Phenotype, melanin: float) -> Floats:
    if melanin > 0.04 or rng.random() > phenotype.mixture[2]:
        name = rng.choice(["black", "black", "dark brown"])
    else:
        name = rng.choice(["dark brown", "brown", "brown", "blond", "blond", "red"])
    grey = float(np.clip(rng.normal((phenotype.age - 52) / 20, 0.22), 0, 1))
    old = np.array(HAIR["white" if rng.random() < 0.3 else "grey"])
    colour = np.array(HAIR[str(name)]) * rng.uniform(0.8, 1.25)
    return (colour + grey * (old - colour)).astype(np.float32)


def _draw_hair(
    rng: np.random.Generator, phenotype: Phenotype, shape: Floats, colour: Floats
) -> Hair | None:
    male = phenotype.male > 0.5
    shares = WORN[int(male)]
    name = str(rng.choice(list(shares), p=list(shares.values())))
    if rng.random() < 0.85 * phenotype.mixture[0]:
        name = COILED.get(name, name)
    if male and rng.random() < (phenotype.age - 42) / 90:
        name = "wreath"
    if name == "bald":
        return None
    recession = 0.0
    if male:
        recession = max(0.0, rng.normal((phenotype.age - 30) * 0.35, 5.0))
    cut = CUTS[name]
    cut = replace(
        cut,
        recession=float(min(recession, 24.0)),
        volume=cut.volume * rng.uniform(0.75, 1.25),
        fall=cut.fall * rng.uniform(0.8, 1.2),
        flare=cut.flare * rng.uniform(0.6, 1.4),
        fringe=cut.fringe * rng.uniform(0.4, 1.15),
    )
    return grow_hair(shape, cut, colour, rng)


def _draw_iris(rng: np.random.Generator, melanin: float) -> Floats:
    dark = melanin > 0.04
    names = ["brown", "dark brown"] if dark else ["brown", "hazel", "green", "blue", "grey"]
    colour = np.array(IRIS[str(rng.choice(names))]) * rng.uniform(0.8, 1.2)
    return colour.astype(np.float32)


def _draw_freckles(rng: np.random.Generator, phenotype: Phenotype, melanin: float) -> float:
    """Freckles of fair people, age spots of old ones."""
    # inferred
    fair = rng.beta(0.6, 1.8) if melanin < 0.05 else 0.0
    aged = max(0.0, (phenotype.age - 45) / 40) * rng.uniform(0.2, 0.8)
    return float(min(1.0, max(fair, aged, 0.25 * rng.random())))


def _draw_brow(rng: np.random.Generator, phenotype: Phenotype) -> Floats:
    thick = rng.normal(0.0042 + 0.0010 * phenotype.male, 0.0007)
    density = rng.uniform(0.55, 0.95)
    return np.array(
        [max(thick, 0.0022), density, rng.normal(0.0035, 0.0015), rng.normal(0.0, 0.0012)],
        np.float32,
    )


def _paint(rng: np.random.Generator, person: Person) -> Floats:
    """Everything that varies slowly over the face, per vertex, (N, CHANNELS)."""
    model = head_model()
    place = model.mean
    x, y, z = place.T
    side = np.abs(x)
    here = place + person.phase
    flush = rng.uniform(0.2, 0.85)
    cheeks = np.exp(-(((side - 0.040) / 0.020) ** 2) - ((y + 0.045) / 0.022) ** 2) * (z > -0.03)
    nose = np.exp(-((side / 0.013) ** 2) - ((y + 0.040) / 0.014) ** 2) * (z > 0.01)
    blotches = 0.25 * smooth_noise(here, 0.045) + 0.22 * smooth_noise(here, 0.014, 1)
    blood = 0.0075 * np.exp(blotches + flush * (1.2 * cheeks + 0.7 * nose + 0.5 * model.ears))
    blood = blood * (1 + 3.2 * model.lips * (1.2 - person.phenotype.male * 0.5))
    spots = 0.10 * smooth_noise(here, 0.05, 2) + 0.10 * smooth_noise(here, 0.016, 3)
    sockets = np.exp(-(((side - 0.031) / 0.018) ** 2) - ((y + 0.011) / 0.010) ** 2) * (z > -0.02)
    melanin = person.melanin * np.exp(spots + 0.30 * sockets) * (1 - 0.45 * model.lips)
    paint = np.zeros((len(place), CHANNELS), np.float32)
    paint[:, :3] = place
    paint[:, 3:7] = skin_reflectance(melanin, blood)
    t_zone = np.exp(-((side / 0.022) ** 2)) * (y > -0.06) + 0.5 * nose
    paint[:, OIL] = rng.uniform(0.25, 1.0) * (0.55 + 0.6 * t_zone + 0.5 * model.lips)
    paint[:, BEARD] = _beard(rng, person)
    paint[:, SCALP] = 0.0 if person.hair is None else cover_of(person.hair, person.shape)
    paint[:, UPPER_RIM] = model.rims == 1
    paint[:, LOWER_RIM] = model.rims == 2
    paint[:, SHADE] = ambient_share() ** 1.2
    return paint


def _beard(rng: np.random.Generator, person: Person) -> Floats:
    """Density of stubble or beard per vertex, (N,); a shaved man keeps a shadow."""
    if person.phenotype.male < 0.5:
        return np.zeros(len(person.shape), np.float32)
    model = head_model()
    x, y, z = model.mean.T
    side = np.abs(x)
    jaw = smoothstep(-0.045, -0.075, y + 0.35 * np.maximum(side - 0.045, 0)) * (z > -0.075)
    jaw *= smoothstep(-0.165, -0.128, y)
    clear_cheek = smoothstep(0.018, 0.034, side) * smoothstep(-0.085, -0.060, y)
    jaw = jaw * (1 - 0.85 * clear_cheek * (side < 0.055))
    lip = np.exp(-((side / 0.026) ** 4) - ((y + 0.0605) / 0.0062) ** 2) * (z > 0)
    below_nose = np.maximum(jaw * (y < -0.05), lip)
    styles = {"shaved": 0.10, "shadow": 0.30, "stubble": 0.55, "full": 0.92, "moustache": 0.0}
    style = str(rng.choice(list(styles), p=[0.42, 0.22, 0.18, 0.13, 0.05]))
    density = styles[style] * below_nose if style != "moustache" else 0.85 * lip
    density = (
        density * (model.vertex_region == REGION["skin"]) * (1 - np.clip(model.lips * 1.5, 0, 1))
    )
    return np.asarray(density, np.float32)


def _beard_length(rng: np.random.Generator, density: Floats, phase: Floats) -> Floats:
    """How far a beard of some density stands off the skin, (N,) metres; stubble hardly does."""
    if density.max() < 0.7:
        return np.zeros_like(density)
    place = head_model().mean
    down = 1 + 1.2 * smoothstep(-0.075, -0.125, place[:, 1])  # it hangs, most at the chin
    uneven = 1 + 0.25 * smooth_noise(place + phase, 0.012) + 0.15 * smooth_noise(place, 0.005)
    length = np.exp(rng.uniform(np.log(0.0015), np.log(0.013)))
    stands: Floats = np.float32(length) * smoothstep(0.3, 0.9, density) * down * uneven
    return np.clip(stands, 0, 0.03).astype(np.float32)


@cache
def ambient_share(rays: int = 64, reach: float = 0.07) -> Floats:
    """Share of the surroundings each vertex of the mean head sees, (N,) in [0, 1]."""
    model = head_model()
    normals = model.normals(model.mean)
    plain = np.zeros((len(normals), 3), np.float32)
    scene = Scene((Part("head", model.mean, model.triangles, plain),))
    number = np.arange(rays, dtype=np.float32) + 0.5
    height = np.sqrt(number / rays)  # as many rays per solid angle as they count: cosine
    turn = number * np.float32(np.pi * (3 - np.sqrt(5)))
    flat = np.sqrt(1 - height**2)
    local = np.stack([np.cos(turn) * flat, np.sin(turn) * flat, height], axis=1)
    steep = np.abs(normals[:, :1]) > 0.7
    aside = np.where(steep, [[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])
    tangent = unit(np.cross(normals, aside).astype(np.float32))
    basis = np.stack([tangent, np.cross(normals, tangent), normals], axis=1)
    directions = np.einsum("rk,nkj->nrj", local.astype(np.float32), basis).reshape(-1, 3)
    origins = np.repeat(model.mean + 0.0008 * normals, rays, axis=0)
    blocked = scene.blocked(origins, directions, reach)
    return np.asarray(1 - blocked.reshape(-1, rays).mean(axis=1), np.float32)

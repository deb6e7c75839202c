"""The light of a place: lamps, windows, the sun, and the infrared flash beside the camera.

- The colour of a light is that of a black body at its colour temperature (Planck's law at the
  wavelengths of ``skin``). Halogen lamps are black bodies; daylight and white LEDs are close to one
  in RGB.
- At 850 nm a halogen lamp of 2,800 K is three times as bright as at 550 nm (Planck), direct sun 0.6
  times (ASTM G173-03, air mass 1.5: 0.9 against 1.5 W per square metre and nanometre), a white LED
  or a fluorescent tube next to nothing. Window glass lets most of it pass unless it is coated
  against heat.  # inferred
- A clear sky scatters little infrared (Rayleigh: with the inverse fourth power of the wavelength),
  clouds scatter all wavelengths, grass and trees reflect most of it.
- What counts for an infrared camera is the strength against its own flash: at arm's length a
  flash of some hundred milliwatts outshines any room and is outshone by the sun.  # inferred
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flexpad.synth.arrays import Floats
from flexpad.synth.skin import WAVELENGTHS

INDOORS = {"lamp": 0.32, "window": 0.24, "side": 0.14, "backlight": 0.12, "mixed": 0.18}
OUTDOORS = {"sun": 0.55, "overcast": 0.45}
# Cameras take part of the light's colour out before any white balance is estimated.  # inferred
PRESET = 0.55
_SECOND_RADIATION = 1.4388e7  # nm K


@dataclass(frozen=True, slots=True)
class Illumination:
    """The light of a place and the infrared flash beside the camera.

    Attributes:
        kind: Its name in ``INDOORS`` or ``OUTDOORS``.
        key: Direction toward the main light, (3,).
        key_colour: R, G, B of its irradiance, (3,).
        key_softness: How far light reaches around an edge, 0 to 0.4 (a window is softer).
        fill: Direction toward a second, shadowless light, (3,).
        fill_colour: (3,).
        sky: Ambient light from above, (3,).
        ground: Ambient light from below, (3,).
        infrared_key: Level of the main light at 850 nm (LED lamps: little).
        infrared_sky: Level of the ambient light at 850 nm.
        backdrop: Light on what is behind the face over that on the face.
        flash: Radiant strength of the 850 nm flash: irradiance at one metre.
        flash_position: Metres beside the camera, (3,).
    """

    kind: str
    key: Floats
    key_colour: Floats
    key_softness: float
    fill: Floats
    fill_colour: Floats
    sky: Floats
    ground: Floats
    infrared_key: float
    infrared_sky: float
    backdrop: float
    flash: float
    flash_position: Floats

    @property
    def outdoors(self) -> bool:
        """Whether this is the light of the open air."""
        return self.kind in OUTDOORS


def draw_illumination(rng: np.random.Generator, outdoors: bool = False) -> Illumination:
    """Draw the light of a place; the same distribution for every kind of presentation.

    Args:
        rng: Source of everything.
        outdoors: Under the sky or in a room.
    """
    kinds = OUTDOORS if outdoors else INDOORS
    kind = str(rng.choice(list(kinds), p=list(kinds.values())))
    lamp, infrared = _draw_lamp(rng, kind)
    other, _ = _draw_lamp(rng, "window" if kind in ("mixed", "backlight") else "lamp")
    if outdoors:
        other = colour_of(rng.uniform(8000, 14000) if kind == "sun" else rng.uniform(6200, 7200))
    yaw, height, softness, contrast = _draw_place(rng, kind)
    side = rng.choice([-1.0, 1.0])
    ambient = (1 - contrast) * rng.uniform(0.55, 0.9)
    reflected = rng.uniform(0.35, 0.6) * (0.5 * lamp + 0.5 * other) * [1.05, 1.0, 0.92]
    strong = contrast * 1.15
    return Illumination(
        kind=kind,
        key=_direction(side * yaw, height),
        key_colour=np.asarray(strong * lamp, np.float32),
        key_softness=softness,
        fill=_direction(-side * rng.uniform(0.3, 1.2), rng.uniform(-0.2, 0.5)),
        fill_colour=np.asarray(0.30 * rng.uniform(0.3, 1.0) * other, np.float32),
        sky=np.asarray(ambient * (0.4 * lamp + 0.6 * other), np.float32),
        ground=np.asarray(ambient * reflected, np.float32),
        infrared_key=float(strong * infrared),
        infrared_sky=_draw_infrared_sky(rng, kind, infrared),
        backdrop=float(rng.uniform(1.8, 4.5) if kind == "backlight" else rng.uniform(0.4, 1.4)),
        flash=float(0.30 * np.exp(rng.normal(0, 0.25))),
        flash_position=np.array([rng.choice([-0.03, 0.03]), 0.0, 0.0], np.float32),
    )


def colour_of(kelvin: float) -> Floats:
    """R, G, B of a black body after a camera's preset, green is 1, (3,)."""
    wavelength = WAVELENGTHS[:3]
    power = wavelength**-5 / np.expm1(_SECOND_RADIATION / (wavelength * kelvin))
    daylight = wavelength**-5 / np.expm1(_SECOND_RADIATION / (wavelength * 6000.0))
    colour = (power / daylight) ** PRESET
    return np.asarray(colour / colour[1], np.float32)


def _draw_lamp(rng: np.random.Generator, kind: str) -> tuple[Floats, float]:
    """Colour of a main light, (3,), and its level at 850 nm against its RGB."""
    if kind == "sun":
        return colour_of(rng.uniform(4600, 5800)), float(rng.uniform(0.6, 2.2))
    if kind == "overcast":
        return colour_of(rng.uniform(6000, 7500)), float(rng.uniform(0.2, 0.7))
    if kind in ("window", "backlight"):
        return colour_of(rng.uniform(5200, 8500)), float(np.exp(rng.uniform(-3.9, -0.9)))
    if kind == "side" and rng.random() < 0.4:  # halogen
        return colour_of(rng.uniform(2700, 3100)), float(rng.uniform(0.15, 0.6))
    kelvin = rng.choice([2700, 3000, 4000, 5000, 6500]) * rng.uniform(0.95, 1.05)
    return colour_of(kelvin), float(rng.choice([0.01, 0.02, 0.05]))


def _draw_place(rng: np.random.Generator, kind: str) -> tuple[float, float, float, float]:
    """Yaw and height of the main light, its softness, its share of all light."""
    yaw, height = abs(rng.normal(0.6, 0.45)), rng.uniform(0.05, 0.95)
    softness, contrast = rng.uniform(0.05, 0.30), rng.uniform(0.40, 0.88)
    if kind == "side":
        yaw, softness, contrast = rng.uniform(1.0, 1.6), rng.uniform(0.02, 0.15), contrast + 0.05
    elif kind == "window":
        yaw, height, softness = rng.uniform(0.4, 1.5), rng.uniform(0.0, 0.5), softness + 0.08
    elif kind == "backlight":
        yaw, softness, contrast = rng.uniform(1.9, 3.0), softness + 0.08, 0.9 * contrast
    elif kind == "sun":
        yaw, height = abs(rng.normal(0.8, 0.6)), rng.uniform(0.4, 2.0)
        softness, contrast = rng.uniform(0.01, 0.04), rng.uniform(0.60, 0.90)
    elif kind == "overcast":
        height, softness, contrast = rng.uniform(0.8, 2.5), 0.35, rng.uniform(0.25, 0.50)
    return float(yaw), float(height), float(softness), float(contrast)


def _draw_infrared_sky(rng: np.random.Generator, kind: str, infrared: float) -> float:
    """Ambient level at 850 nm: walls and, outdoors, clouds and leaves send some back."""
    share = {"sun": (0.15, 0.45), "overcast": (0.6, 1.2)}.get(kind, (0.15, 0.5))
    return float(infrared * rng.uniform(*share))


def _direction(yaw: float, height: float) -> Floats:
    vector = np.array([np.sin(yaw), height, np.cos(yaw)])
    return np.asarray(vector / np.sqrt((vector**2).sum()), np.float32)

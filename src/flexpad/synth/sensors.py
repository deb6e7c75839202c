"""From light to files' pixels: a colour camera, a depth sensor and an infrared camera.

One draw of a sensor set holds for a recording; only noise is new in every frame. The distributions
are the same for bona fide presentations and attacks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from flexpad.synth.arrays import Floats, Millimetres, Pixels
from flexpad.synth.lights import Illumination
from flexpad.synth.view import View

WINDOW = 0.17  # metres of depth that the 256 grey levels of a face crop span
# What white balance takes for granted about faces: a middling skin of skin.py.  # inferred
SKIN_COLOUR = np.array([0.44, 0.26, 0.18], np.float32)
MIDDLE_GREY = 0.20  # mean level of a face that automatic exposure aims at
STEP = 0.001  # metres, quantisation of depth


@dataclass(frozen=True, slots=True)
class Sensors:
    """The cameras of one recording.

    Attributes:
        exposure: Factor on the automatic exposure.
        adaptation: How far automatic exposure evens out faces, 0 to 1.
        balance: How far automatic white balance removes the colour of the light, 0 to 1.
        cast: What is left of a colour cast, (3,).
        focus: Blur of the colour camera, standard deviation in pixels.
        grain: Noise of the colour camera at middle grey, linear.
        axial: Noise of depth at half a metre, metres.
        ripple: Slow error of depth over the picture, metres.
        grid: How far apart a depth sensor's own samples are: blur of depth, pixels.
        leap: Second difference of depth from which a pixel is taken for an edge, metres.
        echo_floor: Echo below which a depth pixel is missing.
        infrared_gain: Factor on the infrared exposure.
        infrared_grain: Noise of the infrared camera, linear.
        infrared_focus: Its blur, pixels.
        room: R, G, B, 850 nm of what is behind a face, (4,).
        sloppiness: How far the face parser errs, 0 to 1.
        seed_phase: Start of the slow error of depth, (2,).
    """

    exposure: float
    adaptation: float
    balance: float
    cast: Floats
    focus: float
    grain: float
    axial: float
    ripple: float
    grid: float
    leap: float
    echo_floor: float
    infrared_gain: float
    infrared_grain: float
    infrared_focus: float
    room: Floats
    sloppiness: float
    seed_phase: Floats


@dataclass(frozen=True, slots=True)
class Shot:
    """The pictures of one moment, black outside the face.

    Attributes:
        colour: (size, size, 3) of 8 bits.
        depth: Grey levels of a window around the face, nearer is brighter, 0 is no return;
            (size, size) of 8 bits.
        infrared: (size, size) of 8 bits.
        millimetres: What the depth sensor measured, 0 is no return; (size, size) of 16 bits.
    """

    colour: Pixels
    depth: Pixels
    infrared: Pixels
    millimetres: Millimetres


def draw_sensors(rng: np.random.Generator) -> Sensors:
    """Draw the cameras of a recording."""
    room = np.append(rng.uniform(0.02, 0.22) * rng.uniform(0.85, 1.15, 3), rng.uniform(0.01, 0.06))
    return Sensors(
        exposure=float(np.exp(rng.normal(0, 0.16))),
        adaptation=float(rng.uniform(0.60, 0.85)),
        balance=float(rng.uniform(0.5, 1.0)),
        cast=np.exp(rng.normal(0, 0.025, 3)).astype(np.float32),
        focus=float(rng.uniform(0.35, 0.80)),
        grain=float(np.exp(rng.normal(np.log(0.007), 0.35))),
        axial=float(rng.uniform(0.0007, 0.0015)),
        ripple=float(rng.uniform(0.0003, 0.0012)),
        grid=float(rng.uniform(0.5, 1.1)),
        leap=float(rng.uniform(0.006, 0.012)),
        echo_floor=float(rng.uniform(0.08, 0.14)),
        infrared_gain=float(np.exp(rng.normal(0, 0.18))),
        infrared_grain=float(np.exp(rng.normal(np.log(0.010), 0.3))),
        infrared_focus=float(rng.uniform(0.4, 0.8)),
        room=room.astype(np.float32),
        sloppiness=float(rng.uniform(0.2, 1.0)),
        seed_phase=rng.uniform(0, 2 * np.pi, 2).astype(np.float32),
    )


def record(
    view: View, size: int, sensors: Sensors, light: Illumination, rng: np.random.Generator
) -> Shot:
    """Take the pictures of one moment.

    Args:
        view: What reaches the cameras.
        size: Side of the pictures in pixels.
        sensors: The cameras.
        light: The light, whose colour automatic white balance partly knows.
        rng: For noise.
    """
    cover = _shrink(view.face, size)
    face = parse_face(cover, sensors.sloppiness, rng)
    clear = 1 - view.solid
    rgb = _shrink(view.rgb + clear[:, None] * sensors.room[:3], size)
    nir = _shrink(view.nir + clear * sensors.room[3], size)
    colour = expose(rgb, cover, sensors, light)
    grain = (
        sensors.grain * np.sqrt(0.15 + 4 * colour) * rng.standard_normal(colour.shape, np.float32)
    )
    colour = tone(_blur(colour, sensors.focus) + _blur(grain, 0.4))
    distance = _measure_depth(view, size, sensors, rng) * face
    infrared = _expose_infrared(nir, cover, sensors, rng)
    return Shot(
        _to_pixels(colour * face[..., None]),
        _to_pixels(face_window(distance)),
        _to_pixels(infrared * face),
        np.round(distance * 1000).astype(np.uint16),
    )


def samples_for(size: int) -> int:
    """Samples along a side that pixels are averaged from: three for every two pixels."""
    return 3 * ((size + 1) // 2)


def _shrink(samples: Floats, size: int) -> Floats:
    """Average samples (H * H, ...) into pixels, (size, size, ...); H as ``samples_for`` says."""
    side = samples_for(size)
    planes = samples.reshape(side, side, *samples.shape[1:])
    rows = _three_to_two(planes)
    pixels = np.moveaxis(_three_to_two(np.moveaxis(rows, 1, 0)), 0, 1)
    return pixels[:size, :size]


def _three_to_two(planes: Floats) -> Floats:
    """Average along the first axis; the middle one of three belongs half to either pixel."""
    first, middle, last = planes[0::3], planes[1::3], planes[2::3]
    third = np.float32(1 / 3)
    pair = np.stack([(2 * first + middle) * third, (2 * last + middle) * third], axis=1)
    return pair.reshape(-1, *planes.shape[1:])


def parse_face(cover: Floats, sloppiness: float, rng: np.random.Generator) -> Floats:
    """Find the face as a parser does, a little off at the border, (size, size) of 0 and 1."""
    wander = _blur(rng.standard_normal(cover.shape, np.float32), cover.shape[0] / 20)
    wander /= max(float(wander.std()), 1e-9)
    blurred = _blur(cover, cover.shape[0] / 80)
    return (blurred > 0.60 + 0.10 * sloppiness * np.clip(wander, -2, 2)).astype(np.float32)


def expose(rgb: Floats, cover: Floats, sensors: Sensors, light: Illumination) -> Floats:
    """Set exposure and white balance from the face, as phones and webcams do; (h, w, 3)."""
    lamp = light.key_colour + light.sky
    face = (rgb * cover[..., None]).sum(axis=(0, 1)) / SKIN_COLOUR
    guess = np.sqrt(lamp / lamp.mean() * face / max(float(face.mean()), 1e-6))
    gains = np.clip(guess, 0.4, 2.5) ** -sensors.balance * sensors.cast
    rgb = rgb * gains.astype(np.float32)
    level = float((rgb.mean(axis=-1) * cover).sum() / max(float(cover.sum()), 1.0))
    gain = sensors.exposure * (max(level, 1e-3) / MIDDLE_GREY) ** -sensors.adaptation
    exposed: Floats = rgb * np.float32(gain)
    return exposed


def tone(linear: Floats) -> Floats:
    """The tone curve: the sRGB transfer function after a soft shoulder for highlights."""
    x = np.clip(linear, 0, None)
    x = np.where(x < 0.35, x, 0.35 + 0.65 * (1 - np.exp(-(x - 0.35) / 0.65)))
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055).astype(np.float32)


def face_window(distance: Floats) -> Floats:
    """Show distances as grey levels of a window around the face, as CASIA-SURF does.

    Args:
        distance: (size, size) metres, 0 where there is no return or no face.

    Returns:
        (size, size) in [0, 1], nearer is brighter, 0 where there is nothing or it is far behind.
    """
    found = distance > 0
    middle = float(np.median(distance[found])) if found.any() else 0.5
    grey = np.clip((middle + WINDOW / 2 - distance) / WINDOW, 4 / 255, 1)
    return np.where(found & (distance <= middle + WINDOW), grey, 0).astype(np.float32)


def _measure_depth(view: View, size: int, sensors: Sensors, rng: np.random.Generator) -> Floats:
    """Distances in metres, 0 where there is no return, (size, size)."""
    side = samples_for(size)
    pick = (np.arange(size) * 3 + 1) // 2
    z = view.depth.reshape(side, side)[pick][:, pick]
    echo = view.echo.reshape(side, side)[pick][:, pick]
    far = np.isinf(z)
    z = np.where(far, 9.0, z).astype(np.float32)
    shape = z.shape
    jump = _jump(z)
    edge = jump > sensors.leap
    chance = rng.random(shape, np.float32)
    flying = edge & (chance > 0.7) & (jump < 0.3)
    z = np.where(flying, ndimage.uniform_filter(z, 3), z)
    dim = 1 + 1.4 * np.clip(0.35 - echo, 0, 1)
    axial = sensors.axial * (z / 0.5) ** 2 * dim
    z = np.where(jump < 0.05, _blur(np.minimum(z, np.median(z) + 0.3), sensors.grid), z)
    z = z + axial * 2.2 * _blur(rng.standard_normal(shape, np.float32), 0.8)
    z = z + _ripple(size, sensors)
    z = np.round(z / STEP) * STEP
    flicker = 1 + 0.35 * 3.0 * _blur(rng.standard_normal(shape, np.float32), 1.5)
    missing = (edge & (chance < 0.4)) | (echo * flicker < sensors.echo_floor) | far
    missing |= rng.random(shape, np.float32) < 0.0006
    return np.where(missing, 0, z).astype(np.float32)


def _jump(z: Floats) -> Floats:
    """How far depth leaps at a pixel rather than slopes: its second difference, metres."""
    padded = np.pad(z, 1, mode="edge")
    middle = padded[1:-1, 1:-1]
    down = np.abs(padded[:-2, 1:-1] + padded[2:, 1:-1] - 2 * middle)
    across = np.abs(padded[1:-1, :-2] + padded[1:-1, 2:] - 2 * middle)
    return np.asarray(np.maximum(down, across), np.float32)


def _ripple(size: int, sensors: Sensors) -> Floats:
    """The slow error of a depth sensor's calibration, metres, (size, size)."""
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j].astype(np.float32)
    waves = np.sin(5 * x + 3 * y + sensors.seed_phase[0]) + np.sin(
        7 * y - 4 * x + sensors.seed_phase[1]
    )
    ripple: Floats = (sensors.ripple * waves).astype(np.float32)
    return ripple


def _expose_infrared(
    nir: Floats, cover: Floats, sensors: Sensors, rng: np.random.Generator
) -> Floats:
    """Infrared picture with weak automatic gain, (size, size) in [0, 1]."""
    level = float((nir * cover).sum() / max(float(cover.sum()), 1.0))
    gain = sensors.infrared_gain * 0.80 * (max(level, 1e-3) / 0.50) ** -0.5
    exposed = nir * np.float32(gain)
    noise = rng.standard_normal(nir.shape, np.float32) * np.sqrt(
        0.2 + 2 * np.clip(exposed, 0, None)
    )
    noisy = _blur(exposed, sensors.infrared_focus) + sensors.infrared_grain * noise
    return np.asarray(np.clip(noisy, 0, 1) ** np.float32(1 / 1.5), np.float32)


def _blur(image: Floats, sigma: float) -> Floats:
    """Gaussian blur of rows and columns; channels, if any, stay apart."""
    axes = (0, 1)
    blurred: Floats = ndimage.gaussian_filter(image, sigma, axes=axes, truncate=3.0)
    return blurred


def _to_pixels(image: Floats) -> Pixels:
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)

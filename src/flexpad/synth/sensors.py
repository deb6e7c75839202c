"""From light to files' pixels: a colour camera, a depth sensor and an infrared camera.

One draw of a sensor set holds for a recording; only noise and shake are new in every frame. The
distributions are the same for bona fide presentations and attacks.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from scipy import ndimage

from flexpad.synth.arrays import Booleans, Floats, Millimetres, Pixels
from flexpad.synth.depth import DepthSensor, draw_depth_sensor, measure
from flexpad.synth.lights import Illumination
from flexpad.synth.render import Camera
from flexpad.synth.room import Room, draw_room
from flexpad.synth.view import View

# Metres around the median that the 256 grey levels of a face crop span: six times the median
# deviation, as bob.pad.face does for WMCA, but never less or more than this.
WINDOW_DEVIATIONS, WINDOW = 6.0, (0.075, 0.130)
# What white balance takes for granted about faces: a middling skin of skin.py.  # inferred
SKIN_COLOUR = np.array([0.44, 0.26, 0.18], np.float32)
BRIGHTEST = 12.0  # times the face's level: more light in a sample tells nothing and only flickers
MIDDLE_GREY = 0.20  # mean level of a face that automatic exposure aims at
ARM = Camera(-0.27, 0.27, 0.54, 1)  # what a crop sees of a face half a metre away


@dataclass(frozen=True, slots=True)
class Sensors:
    """The cameras of one recording.

    Attributes:
        exposure: Factor on the automatic exposure.
        adaptation: How far automatic exposure evens out faces, 0 to 1.
        balance: How far automatic white balance removes the colour of the light, 0 to 1.
        cast: What is left of a colour cast, (3,).
        focus: Blur of the colour camera, standard deviation in pixels.
        shake: How far the picture moves while the shutter is open, standard deviation in pixels.
        grain: Noise of the colour camera at middle grey, linear.
        quality: Of the JPEG pictures that the colour camera itself delivers.
        depth: The depth sensor.
        infrared_gain: Factor on the infrared exposure.
        infrared_grain: Noise of the infrared camera, linear.
        infrared_focus: Its blur, pixels.
        infrared_gamma: Exponent of its tone curve.
        room: What is behind a face.
        sloppiness: How far the alignment errs that cuts faces out, 0 to 1.
    """

    exposure: float
    adaptation: float
    balance: float
    cast: Floats
    focus: float
    shake: float
    grain: float
    quality: int
    depth: DepthSensor
    infrared_gain: float
    infrared_grain: float
    infrared_focus: float
    infrared_gamma: float
    room: Room
    sloppiness: float


@dataclass(frozen=True, slots=True)
class Shot:
    """The pictures of one moment, black outside the face unless the background is kept.

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


def draw_sensors(rng: np.random.Generator, outdoors: bool = False) -> Sensors:
    """Draw the cameras of a recording and the place where they stand."""
    return Sensors(
        exposure=float(np.exp(rng.normal(0, 0.18))),
        adaptation=float(rng.uniform(0.75, 1.0)),
        balance=float(rng.uniform(0.6, 1.0)),
        cast=np.exp(rng.normal(0, 0.03, 3)).astype(np.float32),
        focus=float(rng.uniform(0.30, 1.00)),
        shake=float(rng.choice([0.0, 0.3, 0.8], p=[0.45, 0.35, 0.20])),
        grain=float(np.exp(rng.normal(np.log(0.009), 0.55))),
        quality=int(rng.integers(68, 97)),
        depth=draw_depth_sensor(rng),
        infrared_gain=float(np.exp(rng.normal(0, 0.18))),
        infrared_grain=float(np.exp(rng.normal(np.log(0.011), 0.4))),
        infrared_focus=float(rng.uniform(0.4, 0.9)),
        infrared_gamma=float(rng.uniform(1 / 2.2, 1 / 1.1)),
        room=draw_room(rng, outdoors),
        sloppiness=float(rng.uniform(0.2, 1.0)),
    )


def record(
    view: View,
    size: int,
    sensors: Sensors,
    light: Illumination,
    rng: np.random.Generator,
    camera: Camera = ARM,
    face: Floats | None = None,
    background: bool = False,
) -> Shot:
    """Take the pictures of one moment.

    Args:
        view: What reaches the cameras.
        size: Side of the pictures in pixels.
        sensors: The cameras.
        light: The light, whose colour automatic white balance partly knows.
        rng: For noise.
        camera: The square of the picture that the view is.
        face: Where the face is, (size, size) of 0 and 1; None for everywhere.
        background: Whether what is around the face is kept; otherwise it is black.
    """
    clear = 1 - view.solid
    behind = _look_behind(sensors.room, camera, size, light, background)
    planes = np.concatenate(
        [view.rgb.T, view.nir[None], view.face[None], clear[None]], dtype=np.float32
    )
    for plane, most in ((planes[:3], BRIGHTEST), (planes[3:4], BRIGHTEST / 2)):
        np.minimum(plane, most * _level(plane.mean(axis=0), view.face), out=plane)
    small = _shrink(planes, size)
    cover, gap = small[4] if face is None else face, small[5]
    rgb = np.moveaxis(small[:3], 0, -1) + gap[..., None] * behind[0]
    nir = small[3] + gap * behind[1]
    if face is None:
        face = np.ones((size, size), np.float32)
    colour = _expose_colour(rgb, cover, sensors, light, rng)
    infrared = _to_pixels(_expose_infrared(nir, cover, sensors, rng))
    z, echo = _nearest(view, size)
    open_air = np.isinf(z)
    z, echo = np.where(open_air, behind[2], z), np.where(open_air, 0.5, echo)
    sunlight = light.infrared_key + light.infrared_sky
    distance = measure(z, echo, camera.side / size, sunlight, sensors.depth, rng)
    window = face_window(distance, face > 0)
    if not background:
        kept = face.astype(np.uint8)
        colour, infrared = colour * kept[..., None], infrared * kept
        distance, window = distance * face, window * face
    return Shot(colour, _to_pixels(window), infrared, np.round(distance * 1000).astype(np.uint16))


def samples_for(size: int) -> int:
    """Samples along a side that pixels are averaged from: five for every four pixels."""
    return 5 * ((size + 3) // 4)


def _shrink(planes: Floats, size: int) -> Floats:
    """Average samples (C, H * H) into pixels, (C, size, size); H as ``samples_for`` says."""
    side = samples_for(size)
    rows = _five_to_four(planes.reshape(-1, side, side).swapaxes(1, 2))
    return np.ascontiguousarray(_five_to_four(rows.swapaxes(1, 2))[:, :size, :size])


def _five_to_four(planes: Floats) -> Floats:
    """Average along the last axis; samples that lie in two pixels count for both in part."""
    a, b, c, d, e = (planes[..., k::5] for k in range(5))
    pixels = np.empty((*planes.shape[:-1], planes.shape[-1] // 5 * 4), np.float32)
    pixels[..., 0::4], pixels[..., 3::4] = 0.8 * a + 0.2 * b, 0.2 * d + 0.8 * e
    pixels[..., 1::4], pixels[..., 2::4] = 0.6 * b + 0.4 * c, 0.4 * c + 0.6 * d
    return pixels


def _nearest(view: View, size: int) -> tuple[Floats, Floats]:
    """Depth and echo of the sample in the middle of each pixel, (size, size) each."""
    side = samples_for(size)
    pick = (np.arange(size) * 5 + 2) // 4
    z, echo = (plane.reshape(side, side)[pick][:, pick] for plane in (view.depth, view.echo))
    return z, echo


def _look_behind(
    room: Room, camera: Camera, size: int, light: Illumination, sharp: bool
) -> tuple[Floats, Floats, Floats]:
    """RGB, infrared and distance of the room per pixel; only their average if not sharp."""
    rgb, nir, distance = room.picture(replace(camera, samples=size if sharp else 16), light)
    if not sharp:
        return rgb.mean(axis=0), nir.mean(), np.full((size, size), np.inf, np.float32)
    square = (size, size)
    return rgb.reshape(*square, 3), nir.reshape(square), distance.reshape(square)


def _level(light: Floats, cover: Floats) -> float:
    """Mean of what a face sends, never nothing."""
    return max(float((light * cover).sum() / max(float(cover.sum()), 1.0)), 1e-3)


def _expose_colour(
    rgb: Floats, cover: Floats, sensors: Sensors, light: Illumination, rng: np.random.Generator
) -> Pixels:
    """The colour camera's JPEG picture, decoded, (size, size, 3)."""
    colour = _shaken(expose(rgb, cover, sensors, light), sensors.shake, rng)
    noise = rng.standard_normal(colour.shape, np.float32)
    grain = sensors.grain * np.sqrt(0.15 + 4 * colour) * noise
    developed = tone(_blur(colour, sensors.focus * len(cover) / 128) + _blur(grain, 0.4))
    file = io.BytesIO()
    Image.fromarray(_to_pixels(developed)).save(file, "JPEG", quality=sensors.quality)
    return np.asarray(Image.open(file))


def _shaken(picture: Floats, shake: float, rng: np.random.Generator) -> Floats:
    """Blur a picture (size, size, 3) along the way it moved while the shutter was open."""
    way = rng.normal(0, 1, 2) * shake * len(picture) / 128
    steps = int(np.ceil(np.abs(way).max()))
    if not steps:
        return picture
    blurred = picture.copy()
    for step in range(1, steps + 1):
        down, right = np.round(way * step / steps).astype(int)
        blurred += np.roll(picture, (down, right), axis=(0, 1))
    return blurred / np.float32(steps + 1)


def expose(rgb: Floats, cover: Floats, sensors: Sensors, light: Illumination) -> Floats:
    """Set exposure and white balance from the face, as phones and webcams do; (h, w, 3)."""
    lamp = light.key_colour + light.sky
    face = np.einsum("ijk,ij->k", rgb, cover) / SKIN_COLOUR
    guess = np.sqrt(lamp / lamp.mean() * face / max(float(face.mean()), 1e-6))
    gains = np.clip(guess, 0.4, 2.5) ** -sensors.balance * sensors.cast
    rgb = rgb * gains.astype(np.float32)
    level = float(np.einsum("ijk,ij->", rgb, cover)) / 3 / max(float(cover.sum()), 1.0)
    gain = sensors.exposure * (max(level, 1e-3) / MIDDLE_GREY) ** -sensors.adaptation
    exposed: Floats = rgb * np.float32(gain)
    return exposed


def tone(linear: Floats) -> Floats:
    """The tone curve: the sRGB transfer function after a soft shoulder for highlights."""
    x = np.maximum(linear, 0)
    bright = x > 0.35
    x[bright] = 0.35 + 0.65 * (1 - np.exp(-(x[bright] - 0.35) / 0.65))
    root = np.exp(np.log(np.maximum(x, 1e-6)) / np.float32(2.4))
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * root - 0.055).astype(np.float32)


def face_window(distance: Floats, face: Booleans) -> Floats:
    """Show distances as grey levels of a window around the face, as wide as the face is deep.

    How CASIA-SURF's were made is not published; that window is bob.pad.face's for WMCA.  # inferred

    Args:
        distance: (size, size) metres, 0 where there is no return.
        face: Where the face is, (size, size).

    Returns:
        (size, size) in [0, 1], nearer is brighter, 0 where there is nothing or it is far behind.
    """
    found = distance > 0
    inside = distance[found & face]
    middle = float(np.median(inside)) if len(inside) else 0.5
    deviation = float(np.median(np.abs(inside - middle))) if len(inside) else 0.0
    half = float(np.clip(WINDOW_DEVIATIONS * deviation, *WINDOW))
    grey = np.clip((middle + half - distance) / (2 * half), 4 / 255, 1)
    return np.where(found & (distance <= middle + 2 * half), grey, 0).astype(np.float32)


def _expose_infrared(
    nir: Floats, cover: Floats, sensors: Sensors, rng: np.random.Generator
) -> Floats:
    """Infrared picture with weak automatic gain, (size, size) in [0, 1]."""
    gain = sensors.infrared_gain * 0.80 * (_level(nir, cover) / 0.50) ** -0.6
    exposed = nir * np.float32(gain)
    noise = rng.standard_normal(nir.shape, np.float32) * np.sqrt(
        0.2 + 2 * np.clip(exposed, 0, None)
    )
    noisy = _blur(exposed, sensors.infrared_focus) + sensors.infrared_grain * noise
    return np.asarray(np.clip(noisy, 0, 1) ** np.float32(sensors.infrared_gamma), np.float32)


def _blur(image: Floats, sigma: float) -> Floats:
    """Gaussian blur of rows and columns; channels, if any, stay apart."""
    axes = (0, 1)
    blurred: Floats = ndimage.gaussian_filter(image, sigma, axes=axes, truncate=2.5)
    return blurred


def _to_pixels(image: Floats) -> Pixels:
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)

"""What is behind a face: a room's wall with furniture, or houses, trees and sky.

It is far out of focus for a camera that is set to a face, so it is a few soft rectangles and some
texture, each with a colour, a reflectance at 850 nm that does not follow from the colour, and a
distance. Crops that are masked to the face only see its average at their border.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter

from flexpad.synth.arrays import Floats, Indices
from flexpad.synth.lights import Illumination
from flexpad.synth.noise import smooth_noise, smoothstep
from flexpad.synth.render import Camera

FOLIAGE = np.array([0.06, 0.10, 0.03, 0.50], np.float32)  # leaves are bright beyond 700 nm
WOOD = np.array([0.40, 0.28, 0.18, 0.60], np.float32)
PATCHES = 5
FOCUS = 0.55  # metres to which a camera is set that is set to a face
CLEAR = 0.80  # metres that nothing but a face stands nearer than


@dataclass(frozen=True, slots=True)
class Room:
    """The place behind a face.

    Attributes:
        distance: Of its back, metres.
        wall: Reflectance of what fills it, R, G, B and 850 nm, (4,).
        texture: Contrast and size in metres of its texture, (2,).
        patches: Middle (2), half size (2) in metres at the back, metres in front of it (1) and
            reflectance (4) of each thing that stands there, (PATCHES, 9).
        horizon: Tangent above which there is sky, or None in a room.
        phase: Moves the texture, (3,).
        defocus: Blur of what is infinitely far, standard deviation in pixels of 128 on a side.
    """

    distance: float
    wall: Floats
    texture: Floats
    patches: Floats
    horizon: float | None
    phase: Floats
    defocus: float

    def picture(self, camera: Camera, light: Illumination) -> tuple[Floats, Floats, Floats]:
        """Look at the place out of focus: what ``see`` gives for the samples of a camera."""
        coarse = replace(camera, samples=max(camera.samples // 4, 1))
        rgb, nir, distance = self.see(coarse.rays()[:, :2], light)
        shape, count = (coarse.samples, coarse.samples), camera.samples
        planes = np.concatenate([rgb, nir[:, None], distance[:, None]], axis=1)
        nearest = np.arange(count) * coarse.samples // count
        far = planes[:, 4].reshape(shape)[nearest][:, nearest].reshape(-1)
        steps = np.clip((np.arange(count) + 0.5) * coarse.samples / count - 0.5, 0, shape[0] - 1)
        low = np.minimum(steps.astype(int), max(shape[0] - 2, 0))
        share = (steps - low).astype(np.float32)
        blur = self.defocus * (1 - FOCUS / self.distance) * coarse.samples / 128
        light_planes = planes[:, :4].reshape(*shape, 4)
        light_planes = gaussian_filter(light_planes, blur, axes=(0, 1), mode="nearest")
        rows = _between(light_planes, low, share[:, None, None])
        smooth = _between(rows.swapaxes(0, 1), low, share[:, None, None]).swapaxes(0, 1)
        flat = smooth.reshape(-1, 4)
        return flat[:, :3], flat[:, 3], far

    def see(self, aim: Floats, light: Illumination) -> tuple[Floats, Floats, Floats]:
        """Look at the place.

        Args:
            aim: Directions with z = -1, their x and y, (n, 2).
            light: The light of the place.

        Returns:
            Radiance in RGB, (n, 3), at 850 nm, (n,), and distance, (n,) metres, infinite for sky.
        """
        place = aim * np.float32(self.distance)
        deep = np.concatenate([place, np.zeros((len(place), 1), np.float32)], axis=1) + self.phase
        contrast, size = self.texture
        grain = smooth_noise(deep, float(size)) + 0.5 * smooth_noise(deep, float(size) / 3, 1)
        reflected = self.wall * np.clip(1 + contrast * grain, 0.1, 3)[:, None]
        distance = np.full(len(place), self.distance, np.float32)
        for patch in self.patches:
            x, y = ((place - patch[:2]) / patch[2:4]).T
            cover = smoothstep(1.03, 0.97, np.maximum(np.abs(x), np.abs(y)))
            reflected = reflected + cover[:, None] * (patch[5:] - reflected)
            distance = np.where(cover > 0.5, self.distance - patch[4], distance)
        lit = (light.key_colour * 0.6 + light.sky + light.ground) * np.float32(light.backdrop)
        rgb = reflected[:, :3] * lit
        ambient = (0.5 * light.infrared_key + light.infrared_sky) * light.backdrop
        nir = reflected[:, 3] * (light.flash / distance**2 + ambient)
        if self.horizon is not None:
            above = smoothstep(self.horizon, self.horizon + 0.03, aim[:, 1])
            rgb = rgb + above[:, None] * (2.2 * light.sky + 0.6 * light.key_colour - rgb)
            nir = nir + above * (0.6 * light.infrared_sky - nir)
            distance = np.where(above > 0.5, np.inf, distance)
        return rgb.astype(np.float32), nir.astype(np.float32), distance.astype(np.float32)


def _between(planes: Floats, low: Indices, share: Floats) -> Floats:
    """Interpolate along the first axis between places and the next ones."""
    above = np.minimum(low + 1, len(planes) - 1)
    mixed: Floats = planes[low] + share * (planes[above] - planes[low])
    return mixed


def draw_room(rng: np.random.Generator, outdoors: bool = False) -> Room:
    """Draw a place: the same distribution whoever or whatever is shown in front of it."""
    distance = float(rng.uniform(2.0, 6.0) if outdoors else rng.uniform(0.9, 3.2))
    green = outdoors and rng.random() < 0.6
    wall = _draw_matter(rng) if not green else FOLIAGE * np.float32(rng.uniform(0.6, 1.6))
    texture = (rng.uniform(0.3, 0.6), 0.25) if green else (rng.uniform(0.0, 0.08), 0.4)
    return Room(
        distance=distance,
        wall=np.asarray(wall, np.float32),
        texture=np.array(texture, np.float32),
        patches=np.stack([_draw_patch(rng, distance) for _ in range(PATCHES)]),
        horizon=float(rng.normal(0.10, 0.15)) if outdoors else None,
        phase=rng.uniform(0, 1, 3).astype(np.float32),
        defocus=float(rng.uniform(4.0, 11.0)),
    )


def _draw_matter(rng: np.random.Generator) -> Floats:
    """Reflectance of painted, wooden or woven things, (4,): infrared is brighter than RGB.

    Most walls and furniture are grey, white, beige or of wood, some are coloured.  # inferred
    """
    kind = rng.choice(3, p=[0.68, 0.16, 0.16])
    grey = np.exp(rng.uniform(np.log(0.05), np.log(0.75)))
    warm = rng.normal(0.07, 0.09) * np.array([1.0, 0.0, -1.3])
    tint = (warm + rng.normal(0, 0.02, 3), warm, rng.normal(0, 0.22, 3))[kind]
    base = WOOD[:3] * np.exp(rng.uniform(-1.4, 0.4)) if kind == 1 else np.full(3, grey)
    rgb = np.clip(base * np.exp(tint), 0.02, 0.85)
    infrared = np.clip(rgb.mean() + rng.uniform(-0.05, 0.45), 0.03, 0.85)
    return np.append(rgb, infrared).astype(np.float32)


def _draw_patch(rng: np.random.Generator, distance: float) -> Floats:
    middle = rng.normal(0, [0.30, 0.22]) * distance
    half = np.exp(rng.uniform(np.log(0.03), np.log(0.22), 2)) * distance
    front = rng.uniform(0, 0.35) * min(distance - CLEAR, 1.0)
    return np.concatenate([middle, half, [front], _draw_matter(rng)]).astype(np.float32)

"""Light on surfaces, in RGB and at 850 nm. All light is linear; 1 is a sunlit white in RGB."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flexpad.synth.arrays import Floats
from flexpad.synth.render import Scene, Seen, unit

SHADOW_OFFSET = 0.0015  # metres a point is lifted off its surface before it looks for the light


@dataclass(frozen=True, slots=True)
class Illumination:
    """The light of a place and the infrared flash beside the camera.

    Attributes:
        key: Direction toward the main light, (3,).
        key_colour: R, G, B of its irradiance, (3,).
        key_softness: How far light reaches around an edge, 0 to 0.4 (a window is softer).
        fill: Direction toward a second, shadowless light, (3,).
        fill_colour: (3,).
        sky: Ambient light from above, (3,).
        ground: Ambient light from below, (3,).
        infrared_key: Share of the main light's level that is at 850 nm (lamps: little).
        flash: Radiant strength of the 850 nm flash: irradiance at one metre.
        flash_position: Metres beside the camera, (3,).
    """

    key: Floats
    key_colour: Floats
    key_softness: float
    fill: Floats
    fill_colour: Floats
    sky: Floats
    ground: Floats
    infrared_key: float
    flash: float
    flash_position: Floats


def draw_illumination(rng: np.random.Generator) -> Illumination:
    """Draw an indoor light; the same distribution for every kind of presentation."""
    warmth = rng.uniform(0.0, 1.0)
    tint = np.array([1.0 + 0.10 * warmth, 1.0, 1.06 - 0.34 * warmth])
    other = np.array([1.0 + 0.08 * rng.normal(), 1.0, 1.0 + 0.12 * rng.normal()])
    contrast = rng.uniform(0.40, 0.88)
    side = rng.choice([-1.0, 1.0])
    key = _direction(side * abs(rng.normal(0.6, 0.45)), rng.uniform(0.05, 0.95))
    fill = _direction(-side * rng.uniform(0.3, 1.2), rng.uniform(-0.2, 0.5))
    ambient = (1 - contrast) * rng.uniform(0.55, 0.9)
    return Illumination(
        key=key,
        key_colour=np.float32(contrast * 1.15) * tint.astype(np.float32),
        key_softness=float(rng.uniform(0.02, 0.30)),
        fill=fill,
        fill_colour=(0.30 * rng.uniform(0.3, 1.0) * other).astype(np.float32),
        sky=(ambient * (0.5 * tint + 0.5 * other)).astype(np.float32),
        ground=(ambient * rng.uniform(0.35, 0.6) * other * [1.05, 1.0, 0.92]).astype(np.float32),
        infrared_key=float(rng.choice([0.01, 0.03, 0.10, 0.25])),
        flash=float(0.30 * np.exp(rng.normal(0, 0.25))),
        flash_position=np.array([rng.choice([-0.03, 0.03]), 0.0, 0.0], np.float32),
    )


def _direction(yaw: float, height: float) -> Floats:
    vector = np.array([np.sin(yaw), height, np.cos(yaw)])
    return np.asarray(vector / np.sqrt((vector**2).sum()), np.float32)


@dataclass
class Material:
    """How the points that are seen reflect.

    Attributes:
        rgb: Diffuse reflectance, (n, 3).
        nir: Likewise at 850 nm, (n,).
        gloss: Strength of the specular lobe, (n,); a dielectric has about 0.04 straight on.
        sharpness: Its exponent, (n,) (Blinn-Phong).
        scatter: How far light bleeds past the edge of a shadow, R, G, B, (3,); red in skin.
        ambient: Share of the surroundings the points see, (n,).
        glow: What is emitted, R, G, B, (n, 3), or None.
    """

    rgb: Floats
    nir: Floats
    gloss: Floats
    sharpness: Floats
    scatter: Floats
    ambient: Floats
    glow: Floats | None = None


def shade(
    seen: Seen, material: Material, light: Illumination, scene: Scene
) -> tuple[Floats, Floats]:
    """Light the points that are seen.

    Diffuse light wraps around the edge of a shadow by the softness of the lamp and, per channel,
    by the scattering of the material (the common approximation of subsurface scattering, e.g.
    S. Green, GPU Gems 1, chapter 16). Specular light is Blinn-Phong, normalised by (s + 8) / 8.

    Returns:
        Radiance in RGB, (n, 3), and at 850 nm, (n,).
    """
    normal = seen.normal
    view = unit(-seen.position)
    facing = normal @ light.key
    wrap = light.key_softness + material.scatter
    diffuse = np.clip((facing[:, None] + wrap) / (1 + wrap), 0, None) ** 1.15
    shadow = _shadow(seen, facing, light, scene)[:, None]
    upward = (0.5 + 0.5 * normal[:, 1:2]).astype(np.float32)
    ambient = (light.ground + upward * (light.sky - light.ground)) * material.ambient[:, None]
    fill = np.clip((normal @ light.fill)[:, None] + 0.25, 0, None) * np.float32(0.8)
    fill = fill * light.fill_colour * material.ambient[:, None]
    rgb = material.rgb * (ambient + fill + shadow * diffuse * light.key_colour)
    key_lobe = _lobe(normal, view, light.key, material) * (facing > 0)
    rgb = rgb + (key_lobe[:, None] * shadow) * light.key_colour
    rgb = rgb + _sheen(normal, view, material)[:, None] * ambient
    if material.glow is not None:
        rgb = rgb + material.glow
    nir = _infrared(seen, material, light, view, shadow[:, 0], facing)
    return rgb.astype(np.float32), nir


def _shadow(seen: Seen, facing: Floats, light: Illumination, scene: Scene) -> Floats:
    """Share of the main light that arrives, (n,); soft lamps leave shadows lighter."""
    shadow = np.ones(len(facing), np.float32)
    toward = np.flatnonzero(facing > 0.03)
    lifted = seen.position[toward] + SHADOW_OFFSET * seen.normal[toward]
    shadow[toward[scene.blocked(lifted, light.key)]] = 0.10 + 0.55 * light.key_softness
    return shadow


def _infrared(
    seen: Seen,
    material: Material,
    light: Illumination,
    view: Floats,
    shadow: Floats,
    facing: Floats,
) -> Floats:
    """Radiance at 850 nm: the flash falls off with the square of the distance, (n,)."""
    to_flash = light.flash_position - seen.position
    square = np.einsum("ij,ij->i", to_flash, to_flash)
    to_flash = to_flash / np.sqrt(square)[:, None]
    cosine = np.clip(np.einsum("ij,ij->i", seen.normal, to_flash), 0, 1)
    level = light.flash / square
    lobe = _lobe(seen.normal, view, to_flash, material)
    lamp = light.infrared_key * (0.35 * material.ambient + shadow * np.clip(facing, 0, 1))
    nir: Floats = level * (material.nir * (0.93 * cosine + 0.07 * material.ambient) + 0.5 * lobe)
    return (nir + lamp * material.nir).astype(np.float32)


def _lobe(normal: Floats, view: Floats, toward: Floats, material: Material) -> Floats:
    """Specular reflection of a lamp, (n,)."""
    half = unit(view + toward)
    cosine = np.clip(np.einsum("ij,ij->i", normal, half), 0, 1)
    sharp = material.sharpness
    fresnel = 0.04 + 0.96 * (1 - np.clip(np.einsum("ij,ij->i", view, half), 0, 1)) ** 5
    lobe: Floats = material.gloss * fresnel * (sharp + 8) / 8 * cosine**sharp
    return lobe


def _sheen(normal: Floats, view: Floats, material: Material) -> Floats:
    """Ambient light mirrored at grazing angles (Schlick's Fresnel term), (n,)."""
    cosine = np.clip(np.einsum("ij,ij->i", normal, view), 0, 1)
    sheen: Floats = material.gloss * (0.04 + 0.30 * (1 - cosine) ** 5)
    return sheen

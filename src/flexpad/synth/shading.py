"""Light on surfaces, in RGB and at 850 nm. All light is linear; 1 is a sunlit white in RGB.

``lights`` draws the light of a place; this module says what surfaces make of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flexpad.synth.arrays import Floats
from flexpad.synth.lights import Illumination
from flexpad.synth.render import Scene, Seen

SHADOW_OFFSET = 0.0015  # metres a point is lifted off its surface before it looks for the light


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
    S. Green, GPU Gems 1, chapter 16). Specular light is Blinn-Phong, normalised by (s + 8) / 8;
    ambient light is mirrored at grazing angles by Schlick's Fresnel term.

    Returns:
        Radiance in RGB, (n, 3), and at 850 nm, (n,).
    """
    normal = seen.normal
    distance = _root(_dot(seen.position, seen.position))
    straight = -_dot(normal, seen.position) / distance
    facing: Floats = normal @ light.key
    shadow = _shadow(seen, facing, light, scene)
    aside = -_dot(seen.position, light.key[None]) / distance
    lobe = _lobe(material, straight, facing, aside) * (facing > 0) * shadow
    sheen = material.gloss * (0.04 + 0.30 * _fifth_power(1 - np.clip(straight, 0, 1)))
    upward = 0.5 + 0.5 * normal[:, 1]
    fill = np.clip(normal @ light.fill + 0.25, 0, None) * material.ambient * np.float32(0.8)
    rgb = np.empty((len(distance), 3), np.float32)
    for channel in range(3):
        sky, ground = light.sky[channel], light.ground[channel]
        ambient = (ground + upward * (sky - ground)) * material.ambient
        wrap = np.float32(light.key_softness + material.scatter[channel])
        diffuse = np.clip((facing + wrap) / (1 + wrap), 0, None)
        diffuse *= 0.86 + 0.14 * diffuse
        arriving = ambient + fill * light.fill_colour[channel]
        arriving += shadow * diffuse * light.key_colour[channel]
        rgb[:, channel] = material.rgb[:, channel] * arriving
        rgb[:, channel] += lobe * light.key_colour[channel] + sheen * ambient
    if material.glow is not None:
        rgb += material.glow
    nir = _infrared(seen, material, light, distance, straight)
    lamp = light.infrared_key * (0.15 * material.ambient + shadow * np.clip(facing, 0, 1))
    lamp += light.infrared_sky * material.ambient * (0.65 + 0.35 * upward)
    nir += lamp * material.nir + light.infrared_key * 0.5 * lobe
    return rgb, nir.astype(np.float32)


def _shadow(seen: Seen, facing: Floats, light: Illumination, scene: Scene) -> Floats:
    """Share of the main light that arrives, (n,); soft lamps leave shadows lighter."""
    shadow = np.ones(len(facing), np.float32)
    toward = np.flatnonzero(facing > 0.03)
    lifted = seen.position[toward] + SHADOW_OFFSET * seen.normal[toward]
    shadow[toward[scene.blocked(lifted, light.key)]] = 0.10 + 0.55 * light.key_softness
    return shadow


def _infrared(
    seen: Seen, material: Material, light: Illumination, distance: Floats, straight: Floats
) -> Floats:
    """Radiance of the flash at 850 nm: it falls off with the square of the distance, (n,)."""
    to_flash = light.flash_position - seen.position
    square = _dot(to_flash, to_flash)
    reach = _root(square)
    cosine: Floats = np.clip(_dot(seen.normal, to_flash) / reach, 0, 1)
    aside = -_dot(seen.position, to_flash) / (distance * reach)
    lobe = _lobe(material, straight, cosine, aside)
    diffuse = material.nir * (0.93 * cosine + 0.07 * material.ambient)
    nir: Floats = light.flash / square * (diffuse + 0.5 * lobe)
    return nir


def _lobe(material: Material, straight: Floats, facing: Floats, aside: Floats) -> Floats:
    """Specular reflection of a lamp, (n,).

    Args:
        material: Of the points.
        straight: Cosine between normal and view, (n,).
        facing: Cosine between normal and the lamp, (n,).
        aside: Cosine between view and lamp, (n,).
    """
    half = _root(np.maximum(2 + 2 * aside, np.float32(1e-6)))
    cosine = np.clip((straight + facing) / half, 1e-4, 1)
    sharp = material.sharpness
    slant: Floats = np.clip((1 + aside) / half, 0, 1)
    fresnel: Floats = 0.04 + 0.96 * _fifth_power(1 - slant)
    # As exponential and logarithm, cut off where powers would fall below what float32 can hold.
    power: Floats = np.exp(np.maximum(sharp * np.log(cosine), -40))
    lobe: Floats = material.gloss * fresnel * power * ((sharp + 8) * np.float32(1 / 8))
    return lobe


def _fifth_power(value: Floats) -> Floats:
    square = value * value
    power: Floats = square * square * value
    return power


def _root(value: Floats) -> Floats:
    root: Floats = np.sqrt(value)
    return root


def _dot(one: Floats, other: Floats) -> Floats:
    product: Floats = np.einsum("ij,ij->i", one, other)
    return product

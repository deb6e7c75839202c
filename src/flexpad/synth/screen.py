"""Screens: what a phone, a tablet or a laptop makes of a picture, in RGB and at 850 nm.

- A panel glows in RGB only. Seen by a camera its pixel grid beats with the camera's: the wave of
  the grid is sampled at the camera's pixels and comes back as a slow one, in another phase for red,
  green and blue because their sub-pixels lie side by side. The contrast of a grid much finer than
  the camera's pixels is what integrating over a pixel leaves, 1 / (pi times the pixels it spans).
- Glass mirrors 4 % of what is in front of it (Fresnel, index 1.5): windows, lamps, the flash.
  A matt panel spreads the same light over a wide lobe.
- At 850 nm a panel is dark: black glass and circular polarisers over an OLED return 1 to 4 %, the
  stack of an LCD, whose polarisers open in infrared, up to 12 %; frames are black glass, dyed
  aluminium (bright, dyes vanish there) or plastic.  # inferred
- A depth camera's pattern is mirrored away. What returns comes from within the panel: weak, wavy by
  millimetres, missing around the mirror image of the projector.  # inferred
- Sizes and pixel pitches are those of common phones (5.8 to 6.8 inches, 400 to 460 pixels an inch),
  tablets (9.7 to 11 inches, 220 to 290) and laptops (13 to 15.6 inches, 130 to 230).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flexpad.synth.arrays import Floats
from flexpad.synth.lights import Illumination
from flexpad.synth.noise import smooth_noise, smoothstep
from flexpad.synth.render import Seen, unit
from flexpad.synth.shading import Material

MIRRORED = np.float32(0.04)  # share of light a glass surface mirrors straight on
FOCAL = (475.0, 950.0)  # pixels; 640 or 1280 over 68 degrees, as the colour camera of an SR300


@dataclass(frozen=True, slots=True)
class Device:
    """A kind of screen as it is sold.

    Attributes:
        diagonals: Shortest and longest, metres.
        aspect: Long over short side of the display.
        density: Fewest and most pixels per metre.
        bezel: Narrowest and widest frame, metres.
        body: Thickness, metres.
        portrait: Chance that it is held upright.
        face: Smallest and largest size of the shown face's wider side over the display's.
        matt: Chance of a matt panel.
        oled: Chance of an OLED panel.
        held: Chance that a hand holds it; otherwise it stands.
    """

    diagonals: tuple[float, float]
    aspect: float
    density: tuple[float, float]
    bezel: tuple[float, float]
    body: float
    portrait: float
    face: tuple[float, float]
    matt: float
    oled: float
    held: float


INCH = 0.0254
DEVICES = {
    "phone": Device(
        (5.8 * INCH, 6.8 * INCH), 2.1, (400 / INCH, 460 / INCH), (0.002, 0.006), 0.008,
        portrait=1.0, face=(0.62, 0.86), matt=0.0, oled=0.6, held=0.8,
    ),
    "tablet": Device(
        (9.7 * INCH, 11.0 * INCH), 1.38, (220 / INCH, 290 / INCH), (0.008, 0.020), 0.007,
        portrait=0.7, face=(0.55, 0.85), matt=0.05, oled=0.15, held=0.6,
    ),
    "laptop": Device(
        (13.0 * INCH, 15.6 * INCH), 1.65, (130 / INCH, 230 / INCH), (0.006, 0.018), 0.007,
        portrait=0.0, face=(0.55, 0.85), matt=0.6, oled=0.1, held=0.0,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Screen:
    """One display.

    Attributes:
        half: Half width and half height of the display, metres.
        bezel: Width of the frame, metres.
        pitch: From pixel to pixel, metres.
        brightness: Of white, against the light of the room.
        white: R, G, B of white, (3,).
        black: Glow of black.
        vivid: Factor on the saturation of colours.
        falloff: Exponent of the cosine by which it darkens aslant.
        grid: Contrast of the pixel grid, up to 1, or more where colours are shown by few stripes.
        focal: Of the camera that sees it, in that camera's pixels.
        flicker: Contrast of the bands its backlight draws into a rolling shutter.
        frame: Reflectance of the frame in R, G, B and at 850 nm, (4,).
        window: A bright patch in the room: tangents of its direction (2), half sizes (2), level.
        polish: Exponent of the mirror image of a lamp: low for matt panels.
        gloss: Strength of that image; coatings take most of it away.
        bloom: Strength and width, as 1 - cosine, of the veil around the image of a flash, (2,).
        emitter: From the first emitter of the flash to the second, metres; 0 if it has but one.
        panel: Reflectance at 850 nm.
        echo: Share of a depth camera's light that is usable.
        ripple: Error of the depths that return, metres.
        phase: Moves all noise, (3,).
    """

    half: tuple[float, float]
    bezel: float
    pitch: float
    brightness: float
    white: Floats
    black: float
    vivid: float
    falloff: float
    grid: float
    focal: float
    flicker: float
    frame: Floats
    window: Floats
    polish: float
    gloss: float
    bloom: tuple[float, float]
    emitter: float
    panel: float
    echo: float
    ripple: float
    phase: Floats

    @property
    def outer(self) -> tuple[float, float]:
        """Half width and half height of the device, metres."""
        return self.half[0] + self.bezel, self.half[1] + self.bezel

    def shows(self, flat: Floats) -> Floats:
        """Which points (n, 2) of the front are display and not frame, 0 to 1, (n,)."""
        inside = np.minimum(self.half[0] - np.abs(flat[:, 0]), self.half[1] - np.abs(flat[:, 1]))
        return (inside > 0).astype(np.float32)

    def material(
        self, picture: Floats, seen: Seen, light: Illumination, seconds: float
    ) -> tuple[Material, Floats]:
        """Show a picture (n, 3) at points of the front.

        Args:
            picture: What to show, (n, 3).
            seen: The points; their paint is the place on the front and its ``unevenness``.
            light: The light of the place.
            seconds: Since the recording began.

        Returns:
            The material and the depth echo, (n,).
        """
        flat = seen.paint[:, :2]
        shown = self.shows(flat)
        view = unit(-seen.position)
        straight = np.clip(np.einsum("ij,ij->i", seen.normal, view), 0, 1)
        grey = picture.mean(axis=1, keepdims=True)
        picture = np.clip(grey + np.float32(self.vivid) * (picture - grey), 0, 1)
        glow = self.brightness * self.white * (self.black + (1 - self.black) * picture)
        glow = glow * (straight**self.falloff * shown)[:, None]
        glow = glow * (1 + self._beat(seen)) * self._bands(seen, seconds)[:, None]
        glow = glow + self._mirror(seen.normal, view)[:, None]
        dark = np.float32(0.012)
        rgb = dark + (1 - shown)[:, None] * (self.frame[:3] - dark)
        nir = self.panel + (1 - shown) * (self.frame[3] - self.panel)
        off = self._off_mirror(seen, view, light.flash_position)
        # Fingers leave grease, so an image is nowhere round.
        polish = np.float32(self.polish) * seen.paint[:, 3] ** 2
        nir = nir + self._veil(seen, view, light, off, polish)
        count = len(flat)
        material = Material(
            rgb=rgb.astype(np.float32),
            nir=nir.astype(np.float32),
            gloss=np.full(count, self.gloss, np.float32),
            sharpness=polish.astype(np.float32),
            scatter=np.zeros(3, np.float32),
            ambient=np.full(count, 0.9, np.float32),
            glow=glow.astype(np.float32),
        )
        return material, self._echo(seen, off, shown)

    def unevenness(self, flat: Floats) -> Floats:
        """What varies slowly over the front, to be interpolated.

        Args:
            flat: Places on the front, (n, 2) metres.

        Returns:
            How far behind the glass light seems to return to a depth camera, metres, and a factor
            on its echo, (n, 2).
        """
        place = np.concatenate([flat, np.zeros((len(flat), 1))], axis=1) + self.phase
        place = place.astype(np.float32)
        wave = smooth_noise(place, 0.030) + 0.5 * smooth_noise(place, 0.011, 1)
        uneven = 1 + 0.35 * smooth_noise(place, 0.035, 2)
        return np.stack([np.float32(self.ripple) * wave, uneven], axis=1).astype(np.float32)

    def _beat(self, seen: Seen) -> Floats:
        """Moire: the grid of pixels as a camera with another grid records it, (n, 3).

        ``across`` counts the camera's pixels, ``turns`` the screen's less as many whole ones per
        pixel of the camera as go by unseen.
        """
        across = seen.position[:, :2] / -seen.position[:, 2:] * np.float32(self.focal)
        some = slice(None, None, max(1, len(across) // 2000))
        design = np.column_stack([across[some], np.ones(len(across[some]))])
        grid = seen.paint[some, :2].astype(np.float64) / self.pitch
        slope = np.linalg.lstsq(design, grid, rcond=None)[0][:2]  # of its pixels per ours
        spacing = self._sample_spacing(across)
        beat = np.zeros((len(across), 3), np.float32)
        for axis in range(2):
            order = np.round(slope[:, axis])
            rest = float(np.hypot(*(slope[:, axis] - order))) * spacing
            if rest > 0.9:  # turns from one sample to the next: too fine for the picture
                continue
            contrast = self.grid / (np.pi * max(float(np.hypot(*slope[:, axis])), 1.0))
            contrast *= np.exp(-((rest / 0.4) ** 2))
            turns = seen.paint[:, axis] / np.float64(self.pitch) - across @ order
            wave = (2 * np.pi * (turns % 1.0)).astype(np.float32)
            beat += np.float32(contrast) * (_striped(wave) if axis == 0 else np.cos(wave)[:, None])
        return beat

    @staticmethod
    def _sample_spacing(across: Floats) -> float:
        """Pixels of the colour camera from one sample of the view to the next."""
        step = np.abs(np.diff(across[:, 0]))
        return float(np.median(step)) if len(step) else 1.0

    def _bands(self, seen: Seen, seconds: float) -> Floats:
        height = seen.position[:, 1] / -seen.position[:, 2]
        phase = 2 * np.pi * (self.phase[0] + 1.7 * seconds)
        bands: Floats = 1 + np.float32(self.flicker) * np.sin(height * 34.0 + phase)
        return bands.astype(np.float32)

    def _mirror(self, normal: Floats, view: Floats) -> Floats:
        """Light of a window that the glass mirrors, (n,)."""
        cosine = np.einsum("ij,ij->i", normal, view)
        away = 2 * cosine[:, None] * normal - view
        x, y = (away[:, :2] / np.maximum(away[:, 2:], 0.05)).T
        right, up, width, height, level = self.window
        soft = 0.10 if self.polish > 200 else 0.9
        patch = smoothstep(1 + soft, 1 - soft, np.abs(x - right) / width)
        patch = patch * smoothstep(1 + soft, 1 - soft, np.abs(y - up) / height)
        fresnel = MIRRORED + (1 - MIRRORED) * (1 - np.clip(cosine, 0, 1)) ** 5
        mirrored: Floats = fresnel * np.float32(level) * patch
        return mirrored

    @staticmethod
    def _off_mirror(seen: Seen, view: Floats, lamp: Floats) -> Floats:
        """How far a point is from mirroring a lamp, 1 - cosine of the angle at its normal, (n,)."""
        half = unit(view + unit(lamp - seen.position))
        off: Floats = 1 - np.clip(np.einsum("ij,ij->i", seen.normal, half), 0, 1)
        return off

    def _veil(
        self, seen: Seen, view: Floats, light: Illumination, off: Floats, polish: Floats
    ) -> Floats:
        """What the flash adds around its image, as reflectance at 850 nm, (n,)."""
        strength, width = self.bloom
        veil: Floats = np.float32(strength) / (1 + (off / np.float32(width)) ** 1.3)
        if self.emitter:
            beside = light.flash_position + np.array([0, self.emitter, 0], np.float32)
            off = self._off_mirror(seen, view, beside)
            peak = 0.5 * self.gloss * MIRRORED * polish / 8
            veil = veil + peak * np.exp(-np.minimum(off * polish, 40))
        return veil.astype(np.float32)

    def _echo(self, seen: Seen, off: Floats, shown: Floats) -> Floats:
        """Depth echo: weak and uneven, none where the projector is mirrored, (n,)."""
        dazzled = np.exp(-off / (0.0012 if self.polish > 200 else 0.006))
        echo = self.echo * seen.paint[:, 3] * (1 - 0.95 * dazzled)
        frame = min(1.0, float(self.frame[3]) / 0.4)
        mixed: Floats = np.where(shown > 0, echo, np.maximum(frame, 0.12))
        return mixed.astype(np.float32)


def _striped(phase: Floats) -> Floats:
    """Cosines of a phase (n,) for red, green and blue, whose stripes are a third apart, (n, 3)."""
    cosine, sine = np.cos(phase), np.sin(phase) * np.float32(np.sqrt(3))
    return np.stack([cosine, -0.5 * (cosine + sine), -0.5 * (cosine - sine)], axis=1)


def draw_screen(rng: np.random.Generator, device: Device) -> Screen:
    """Draw one display of a kind."""
    diagonal = rng.uniform(*device.diagonals)
    aspect = device.aspect * rng.uniform(0.96, 1.04)
    short = diagonal / np.hypot(1, aspect)
    sides = (short, short * aspect)
    upright = rng.random() < device.portrait
    width, height = sides if upright else sides[::-1]
    matt, oled = rng.random() < device.matt, rng.random() < device.oled
    polish = rng.uniform(np.log(12), np.log(90)) if matt else rng.uniform(np.log(6e3), np.log(6e4))
    window = [
        rng.uniform(-0.6, 0.6),
        rng.uniform(-0.2, 0.7),
        rng.uniform(0.05, 0.22),
        rng.uniform(0.07, 0.30),
        rng.uniform(0.0, 5.0) * (0.35 if matt else 1.0),
    ]
    return Screen(
        half=(float(width) / 2, float(height) / 2),
        bezel=float(rng.uniform(*device.bezel)),
        pitch=float(1 / rng.uniform(*device.density)),
        brightness=float(rng.uniform(0.7, 1.5)),
        white=np.array([rng.uniform(0.93, 1.03), 1.0, rng.uniform(0.96, 1.10)], np.float32),
        black=0.0 if oled else float(rng.uniform(0.001, 0.018)),
        vivid=float(rng.uniform(1.0, 1.4)),
        falloff=float(rng.uniform(0.1, 0.5) if oled else rng.uniform(0.4, 1.6)),
        grid=float(rng.uniform(0.2, 1.5)),
        focal=float(rng.choice(FOCAL)),
        flicker=float(rng.choice([0.0, 0.0, rng.uniform(0.01, 0.05)])),
        frame=_draw_frame(rng),
        window=np.array(window, np.float32),
        polish=float(np.exp(polish)),
        panel=float(rng.uniform(0.010, 0.040) if oled else rng.uniform(0.025, 0.120)),
        echo=float(rng.uniform(0.10, 0.45)),
        ripple=float(np.exp(rng.uniform(np.log(0.0002), np.log(0.0020)))),
        phase=rng.uniform(0, 1, 3).astype(np.float32),
        gloss=float(np.exp(rng.uniform(np.log(0.02), np.log(0.5)))),
        bloom=(
            float(rng.uniform(0.01, 0.20)) * (0.3 if matt else 1.0),
            float(np.exp(rng.uniform(np.log(2e-4), np.log(4e-3)))),
        ),
        emitter=float(rng.choice([-1, 1]) * rng.uniform(0.008, 0.030)) * (rng.random() < 0.3),
    )


def _draw_frame(rng: np.random.Generator) -> Floats:
    """Reflectance of a frame: black glass or plastic, dyed aluminium, white plastic, (4,)."""
    kind = rng.choice(3, p=[0.68, 0.20, 0.12])
    if kind == 0:
        return np.append(np.full(3, rng.uniform(0.01, 0.04)), rng.uniform(0.02, 0.10)).astype("f4")
    level = rng.uniform(0.25, 0.5) if kind == 1 else rng.uniform(0.7, 0.85)
    return np.append(np.full(3, level), min(0.85, level + rng.uniform(0, 0.2))).astype("f4")

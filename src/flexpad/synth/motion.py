"""How somebody moves during a recording: smooth pose, expression, blinks and hand shake.

The distributions are the same for every presentation; what an instrument forbids (a print does not
smile) is left to the instrument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flexpad.synth.arrays import Floats
from flexpad.synth.render import rotation

Doubles = NDArray[np.float64]
FRAMES_PER_SECOND = 30.0
YAW, PITCH, ROLL = 0.24, 0.11, 0.06  # radians, spread of the mean pose of a recording
DISTANCE = (0.38, 0.70)  # metres

# Facial actions of a few expressions at full strength.
EXPRESSIONS: Mapping[str, Mapping[str, float]] = {
    "neutral": {},
    "smile": {"mouthSmile": 0.60, "cheekSquint": 0.35, "eyeSquint": 0.20, "mouthDimple": 0.2},
    "laugh": {
        "mouthSmile": 0.70,
        "cheekSquint": 0.5,
        "jawOpen": 0.16,
        "mouthUpperUp": 0.25,
        "eyeSquint": 0.25,
    },
    "talk": {"jawOpen": 0.20, "mouthFunnel": 0.25, "mouthLowerDown": 0.2},
    "surprise": {"browInnerUp": 0.6, "browOuterUp": 0.5, "jawOpen": 0.12, "eyeWide": 0.35},
    "frown": {"browDown": 0.60, "mouthFrown": 0.30, "eyeSquint": 0.15},
    "press": {"mouthPress": 0.35, "mouthRollLower": 0.15, "browInnerUp": 0.2},
}
_SHARES = (0.36, 0.20, 0.10, 0.12, 0.08, 0.08, 0.06)
_UNPAIRED = ("browInnerUp", "jawOpen", "mouthFunnel", "mouthRollLower")


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a face is at one moment.

    Attributes:
        seconds: Since the recording began.
        turn: Rotation of the head or of the instrument that shows one, (3, 3).
        place: Between the eyes, (3,) metres in camera axes.
        actions: Facial actions with strengths 0 to 1.
    """

    seconds: float
    turn: Floats
    place: Floats
    actions: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Motion:
    """One recording's movement; call :meth:`at` for a moment of it."""

    pose: Doubles  # yaw, pitch, roll, x, y, z: mean, (6,)
    sway: Doubles  # amplitudes (6, 2)
    rate: Doubles  # hertz, (6, 2)
    phase: Doubles  # radians, (6, 2)
    expressions: tuple[str, str]
    strength: float
    lopsided: float
    gaze: tuple[float, float]
    blink_at: Doubles  # seconds, (3,)

    def at(self, seconds: float) -> Moment:
        """Where the face is after some seconds."""
        angles = 2 * np.pi * self.rate * seconds + self.phase
        pose = self.pose + (self.sway * np.sin(angles)).sum(axis=1)
        turn = rotation(float(pose[0]), float(pose[1]), float(pose[2]))
        return Moment(seconds, turn, pose[3:].astype(np.float32), self._actions(seconds))

    def _actions(self, seconds: float) -> dict[str, float]:
        blend = 0.5 + 0.5 * float(np.sin(1.7 * seconds + self.phase[0, 0]))
        actions: dict[str, float] = {"eyeWideLeft": 0.22, "eyeWideRight": 0.22}
        for name, share in zip(self.expressions, (blend, 1 - blend), strict=True):
            for action, full in EXPRESSIONS[name].items():
                _add(actions, action, full * share * self.strength, self.lopsided)
        right, up = self.gaze
        _look(actions, right + 0.1 * float(np.sin(0.9 * seconds + self.phase[1, 0])), up)
        closing = float(np.exp(-(((seconds - self.blink_at) / 0.09) ** 2)).max())
        for side in ("Left", "Right"):
            actions[f"eyeBlink{side}"] = min(1.0, 0.06 + 0.9 * closing)
        return actions


def draw_motion(rng: np.random.Generator, pose_share: float = 1.0) -> Motion:
    """Draw a recording's movement; a pose share below 1 leaves the rest to a photo."""
    spread = np.array([YAW, PITCH, ROLL]) * pose_share
    place = np.array([rng.normal(0, 0.012), rng.normal(0, 0.010), -rng.uniform(*DISTANCE)])
    amplitude = np.array([0.05, 0.03, 0.015, 0.004, 0.003, 0.006])[:, None]
    first, second = rng.choice(list(EXPRESSIONS), size=2, p=_SHARES)
    return Motion(
        pose=np.concatenate([rng.normal(0, 1, 3) * spread, place]),
        sway=amplitude * rng.uniform(0.2, 1.0, (6, 2)) * [1.0, 0.4],
        rate=rng.uniform(0.1, 0.4, (6, 2)) * [1.0, 3.0],
        phase=rng.uniform(0, 2 * np.pi, (6, 2)),
        expressions=(str(first), str(second)),
        strength=float(rng.uniform(0.4, 1.0)),
        lopsided=float(np.clip(rng.normal(0, 0.15), -0.4, 0.4)),
        gaze=(float(rng.normal(0, 0.22)), float(rng.normal(0, 0.15))),
        blink_at=rng.uniform(0.0, 9.0, 3),
    )


def _add(actions: dict[str, float], name: str, strength: float, lopsided: float) -> None:
    """Add an action, on both sides of the face where it has sides."""
    if name in _UNPAIRED:
        actions[name] = actions.get(name, 0.0) + strength
        return
    for side, sign in (("Left", 1), ("Right", -1)):
        key = name + side
        actions[key] = actions.get(key, 0.0) + strength * (1 + sign * lopsided)


def _look(actions: dict[str, float], right: float, up: float) -> None:
    """Turn both eyes; positive is to the right and up in the picture."""
    sideways, level = min(abs(right), 1.0), min(abs(up), 1.0)
    # Seen from the camera the person's left eye is on the right of the picture.
    left, other = ("Out", "In") if right > 0 else ("In", "Out")
    actions[f"eyeLook{left}Left"] = sideways
    actions[f"eyeLook{other}Right"] = sideways
    for side in ("Left", "Right"):
        actions[f"eyeLook{'Up' if up > 0 else 'Down'}{side}"] = level

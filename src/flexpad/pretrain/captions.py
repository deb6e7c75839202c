"""Sentences that describe a view, and the words they are made of.

A sentence names some of what a :class:`~flexpad.pretrain.scene.Scene` holds, in an order and in
words that are drawn anew, so that no two epochs say the same. Skin, hair, eyes, glasses, pose,
expression, light, distance and place are named; whether somebody is bona fide never is, and
instruments of attacks are not in the vocabulary at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from tokenizers import Tokenizer

from flexpad.encoders.text import CLASS_WORDS, PLACEHOLDER, word_tokenizer
from flexpad.pretrain.scene import Face, Scene

TOLD = 0.7  # share of what could be told that a sentence tells
LENGTH = 48  # word pieces that the longest sentence may have

_AGES = {"young": ("young",), "middle-aged": ("middle-aged", "grown"), "old": ("old", "elderly")}
_SKIN = {
    "light": ("light skin", "fair skin"),
    "medium": ("olive skin", "medium skin"),
    "brown": ("brown skin",),
    "dark": ("dark skin", "very dark skin"),
}
_EXPRESSIONS = {
    "neutral": ("with a calm face", "looking calm"),
    "smile": ("smiling", "with a smile"),
    "laugh": ("laughing", "with a wide smile"),
    "talk": ("talking", "with an open mouth"),
    "surprise": ("looking surprised", "with raised brows"),
    "frown": ("frowning", "with lowered brows"),
    "press": ("with pressed lips",),
}
_DISTANCES = {
    "near": ("close to the camera", "in a close view"),
    "middle": ("at some distance",),
    "far": ("far from the camera", "in a wide view"),
}
_LIGHTS = {
    "lamp": ("in the light of a lamp", "under a lamp"),
    "window": ("in the light of a window", "near a window"),
    "side": ("in hard light", "in hard light of a lamp"),
    "backlight": ("with light from behind", "against the light"),
    "mixed": ("in mixed light",),
    "sun": ("in the sun", "in sunlight"),
    "overcast": ("under a cloudy sky", "in soft daylight"),
}
_HAIR = {
    "full": "thick",
    "tied": "tied back",
    "thin": "thin",
}
# Words that the phrases above do not hold: colours, hair, places and what joins them.
_OTHER_WORDS = """
a afro air an around back bald beard before beige black blond blue blurred brown chin-length
clean colour curly dark down eyes freckled from front glasses grainy green grey hair hazel
in leaves left lit long looking man moustache on open orange outdoors place purple red right
room sharp shaved short skin sky straight stubble the thick thin tied to turned under up
very wall wavy wearing white with without woman wrinkled yellow
"""


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """Write a sentence about a view.

    >>> from flexpad.pretrain.scene import Scene
    >>> room = Scene(None, "lamp", "left", "white wall", False, False, "sharp", "")
    >>> caption(room, np.random.default_rng(1))
    'a place with a white wall sharp'
    """
    of_face = [] if scene.face is None else _face_phrases(scene.face, rng)
    phrases = [*of_face, *_view_phrases(scene, rng)]
    kept = [phrase for phrase in phrases if phrase and rng.random() < TOLD]
    rng.shuffle(kept)
    sentence = _subject(scene, rng)
    for phrase in kept:
        longer = f"{sentence} {phrase}"
        sentence = longer if len(longer.split()) <= LENGTH - 2 else sentence  # start and end
    return sentence


def _subject(scene: Scene, rng: np.random.Generator) -> str:
    """What a sentence begins with; whatever is left out, this is said."""
    face = scene.face
    if face is None:
        if scene.outdoors:
            return _one(("a place in the open air", "an open place"), rng)
        return f"{_one(('a room', 'a place'), rng)} with a {scene.place}"
    age = f"{_one(_AGES[face.age], rng)} " if rng.random() < TOLD else ""
    article = "an" if age[:1] in ("o", "e") else "a"
    return f"{article} {age}{face.person}"


def _face_phrases(face: Face, rng: np.random.Generator) -> list[str]:
    return [
        f"with {_one(_SKIN[face.skin], rng)}",
        f"with {face.texture} skin" if face.texture else "",
        _hair_phrase(face, rng),
        f"with {face.eyes} eyes" if face.eyes else "",
        _beard_phrase(face),
        _one(("wearing glasses", "with glasses"), rng) if face.glasses else "without glasses",
        _one(_EXPRESSIONS[face.expression], rng),
        _one((f"turned to the {face.turned}", f"looking {face.turned}"), rng)
        if face.turned
        else _one(("looking straight", "from the front"), rng),
        f"looking {face.tilted}" if face.tilted else "",
        _one(_DISTANCES[face.distance], rng),
    ]


def _view_phrases(scene: Scene, rng: np.random.Generator) -> list[str]:
    side = f"lit from the {scene.from_side}" if scene.from_side else "lit from the front"
    return [
        _one(_LIGHTS[scene.light], rng),
        side if scene.face else "",
        _place_phrase(scene, rng),
        scene.sharpness,
        scene.grain,
        _one(("in grey", "without colour"), rng) if scene.grey else "",
    ]


def _hair_phrase(face: Face, rng: np.random.Generator) -> str:
    if face.hair == "bald":
        return _one(("bald", "without hair"), rng)
    worn = _HAIR.get(face.hair, face.hair)
    hair = f"{face.hair_colour} hair".lstrip()
    if worn == "tied back":
        return f"with {hair} {worn}"
    return f"with {worn} {hair}"


def _beard_phrase(face: Face) -> str:
    if face.person == "woman":
        return ""
    named = {"": "without a beard", "stubble": "with stubble"}
    return named.get(face.beard, f"with a {face.beard}")


def _place_phrase(scene: Scene, rng: np.random.Generator) -> str:
    if scene.place == "black":
        return _one(("on black", "with black around"), rng)
    article = "an" if scene.place.startswith("orange") else "a"
    before = scene.place if scene.place == "leaves" else f"{article} {scene.place}"
    if scene.outdoors:
        sky = " under the sky" if scene.sky else ""
        return _one((f"outdoors before {before}{sky}", f"outdoors{sky}"), rng)
    if scene.face is None:
        return ""
    return f"in a room before {before}"


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


@cache
def vocabulary() -> tuple[str, ...]:
    """List every word a sentence can hold, in alphabetical order, then those of class sentences.

    The latter are never seen in pre-training: methods need words for the two classes, and what
    they mean is learned there.
    """
    said = [_OTHER_WORDS]
    for choices in (_AGES, _SKIN, _EXPRESSIONS, _DISTANCES, _LIGHTS):
        said += _every(choices)
    words = sorted({word for text in said for word in text.split()})
    return (*words, PLACEHOLDER, *(w for w in (*CLASS_WORDS, "face", ".") if w not in words))


def _every(choices: Mapping[str, Sequence[str]]) -> list[str]:
    return [text for texts in choices.values() for text in texts]


def tokenizer() -> Tokenizer:
    """Make the tokenizer of these sentences: whole words."""
    return word_tokenizer(vocabulary())

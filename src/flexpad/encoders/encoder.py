"""An encoder: a CLIP, its tokenizer, and where both came from."""

from __future__ import annotations

from dataclasses import dataclass, field

from tokenizers import Tokenizer

from flexpad.encoders.clip import Clip
from flexpad.encoders.provenance import Provenance


@dataclass(frozen=True, slots=True)
class Encoder:
    """A CLIP with the tokenizer that belongs to it."""

    clip: Clip
    tokenizer: Tokenizer
    provenance: Provenance = field(default_factory=Provenance)

"""How well a CLIP finds the sentence of a view, and the view of a sentence."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from flexpad.data.transforms import normalise
from flexpad.encoders import Encoder
from flexpad.pretrain import captions
from flexpad.pretrain.corpus import Corpus
from flexpad.pretrain.pairs import centre, encode

DRAWS = 20  # galleries of a size that are drawn
AT_ONCE = 128


@torch.no_grad()
def retrieval(
    encoder: Encoder, corpus: Corpus, galleries: tuple[int, ...] = (100, 1000), seed: int = 0
) -> dict[str, float]:
    """Measure retrieval on views that were not trained on.

    Each view has one sentence. Of a gallery of so many views and their sentences, how often is
    the nearest one the right one?

    Args:
        encoder: In evaluation mode.
        corpus: Held-out views.
        galleries: Sizes; smaller ones are drawn 20 times, and the mean is given.
        seed: Of the sentences and the galleries.

    Returns:
        Shares in [0, 1], e.g. ``image_to_text@100``, ``text_to_image@100``.
    """
    rng = np.random.default_rng((seed, 3))
    sentences = [captions.caption(scene, rng) for scene in corpus.scenes]
    match = embed_images(encoder, corpus) @ embed_sentences(encoder, sentences).T
    shares: dict[str, float] = {}
    for size in galleries:
        size = min(size, len(match))
        found = []
        for _ in range(DRAWS):
            chosen = torch.from_numpy(rng.permutation(len(match))[:size])
            among, right = match[chosen][:, chosen], torch.arange(size)
            found.append([(among.argmax(dim=d) == right).double().mean() for d in (1, 0)])
        to_text, to_image = np.mean(found, axis=0)
        shares[f"image_to_text@{size}"] = float(to_text)
        shares[f"text_to_image@{size}"] = float(to_image)
    return shares


def embed_images(encoder: Encoder, corpus: Corpus) -> Tensor:
    """Embed views in the joint space, normalised, (n, P)."""
    size, device = encoder.clip.config.image_size, encoder.clip.log_scale.device
    found = []
    for start in range(0, len(corpus.images), AT_ONCE):
        pixels = torch.from_numpy(corpus.images[start : start + AT_ONCE])
        images = centre(pixels.permute(0, 3, 1, 2).float() / 255, size)
        shown = torch.from_numpy(normalise(images.numpy()))
        features = encoder.clip.vision(shown.to(device)).image
        found.append(F.normalize(features, dim=-1).cpu())
    return torch.cat(found)


def embed_sentences(encoder: Encoder, sentences: list[str]) -> Tensor:
    """Embed sentences in the joint space, normalised, (n, P)."""
    text, device = encoder.clip.text, encoder.clip.log_scale.device
    found = []
    for start in range(0, len(sentences), AT_ONCE):
        words, ends = encode(sentences[start : start + AT_ONCE], encoder.tokenizer)
        features = text(text.words(words.to(device)), ends.to(device))
        found.append(F.normalize(features, dim=-1).cpu())
    return torch.cat(found)

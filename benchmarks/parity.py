"""How far flexpad's towers are from other libraries' on the same files, at full size, in float32.

    python benchmarks/parity.py [--out benchmarks/results/parity.csv] [--page docs/encoders.md]

A model of the other library is drawn at random, its norms and biases moved from where they start,
and saved in the layout; flexpad loads the folder by its name, as a recipe would. ``flexpad`` is our
own layout: what was read from transformers' is saved once more and loaded again. Where an image
size is not the model's own, 224, either library interpolates the position embeddings in its way.

open_clip needs torchvision, which cannot be imported beside a torch for CPUs alone; without it the
rows of open_clip in the results are kept as they are, and the table says of which version they are.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from page import fill
from rows import put
from safetensors.torch import save_file
from torch import Tensor, nn

from flexpad import encoders
from flexpad.bench.results import processor
from flexpad.encoders.text import small_tokenizer
from flexpad.recipe import EncoderRecipe
from flexpad.score import source_commit

try:
    import open_clip
except Exception as error:  # torchvision's own failure is a RuntimeError
    open_clip, without = None, f"{type(error).__name__}: {error}"

SHAPES = {  # patch, vision width, layers, heads, text width, heads, joint width
    "ViT-B/32": (32, 768, 12, 12, 512, 8, 512),
    "ViT-B/16": (16, 768, 12, 12, 512, 8, 512),
    "ViT-L/14": (14, 1024, 24, 16, 768, 12, 768),
}
CASES = (  # shape, activation, image size
    ("ViT-B/32", "quick_gelu", 224),
    ("ViT-B/32", "gelu", 224),
    ("ViT-B/16", "quick_gelu", 224),
    ("ViT-B/16", "gelu", 224),
    ("ViT-B/16", "quick_gelu", 384),
    ("ViT-B/16", "quick_gelu", 112),
    ("ViT-L/14", "quick_gelu", 224),
    ("ViT-L/14", "gelu", 224),
)
OWN_SIZE, WORDS, LENGTH = 224, 49408, 77
LAYOUTS = ("Hugging Face", "open_clip", "flexpad")
KEY = ("layout", "shape", "activation", "image_size")
COLUMNS = (*KEY, "peer", "image", "text", "largest", "commit", "hardware")


@torch.no_grad()
def stir(model: nn.Module) -> nn.Module:
    """Move norms and biases from 1 and 0, which would hide a swap."""
    for parameter in model.parameters():
        if parameter.ndim <= 1:
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


def in_transformers(shape: str, activation: str) -> nn.Module:
    """Draw a ``CLIPModel``."""
    patch, width, layers, heads, text_width, text_heads, joint = SHAPES[shape]
    vision = {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * width,
        "patch_size": patch,
        "hidden_act": activation,
    }
    text = {
        "hidden_size": text_width,
        "num_attention_heads": text_heads,
        "intermediate_size": 4 * text_width,
        "hidden_act": activation,
    }
    sizes = transformers.CLIPConfig(vision_config=vision, text_config=text, projection_dim=joint)
    return stir(transformers.CLIPModel(sizes))


def for_open_clip(shape: str, activation: str) -> dict[str, Any]:
    """Describe a model the way open_clip does."""
    patch, width, layers, heads, text_width, text_heads, joint = SHAPES[shape]
    return {
        "embed_dim": joint,
        "quick_gelu": activation == "quick_gelu",
        "vision_cfg": {
            "image_size": OWN_SIZE,
            "layers": layers,
            "width": width,
            "head_width": width // heads,
            "patch_size": patch,
        },
        "text_cfg": {"width": text_width, "heads": text_heads, "layers": 12},
    }


def draw(size: int) -> tuple[Tensor, Tensor]:
    """Draw images, and sentences with an end token, the highest id, and padding behind it."""
    images = torch.randn(2, 3, size, size)
    ids = torch.randint(1, WORDS - 2, (2, LENGTH))
    for row, end in zip(ids, (20, LENGTH - 1), strict=True):
        row[end], row[end + 1 :] = WORDS - 1, 0
    return images, ids


@torch.no_grad()
def compare(
    folder: Path, size: int, images: Tensor, ids: Tensor, theirs: tuple[Tensor, Tensor]
) -> tuple[float, float, float]:
    """Largest absolute difference of image and of text features; the largest feature."""
    recipe = EncoderRecipe(str(folder), trainable="none", image_size=size)
    clip = encoders.build(recipe).clip.eval()
    image = clip.vision(images).image
    text = clip.text(clip.text.words(ids), ids.argmax(dim=-1))
    far = [(a - b).abs().max().item() for a, b in zip((image, text), theirs, strict=True)]
    return far[0], far[1], max(part.abs().max().item() for part in theirs)


@torch.no_grad()
def from_transformers(
    shape: str, activation: str, size: int, folder: Path
) -> Iterator[tuple[str, str, tuple[float, float, float]]]:
    """Compare its layout, and ours with what was read from it."""
    theirs: Any = in_transformers(shape, activation)
    theirs.save_pretrained(folder / "theirs")
    small_tokenizer().save(str(folder / "theirs" / "tokenizer.json"))
    images, ids = draw(size)
    resized = {"interpolate_pos_encoding": size != OWN_SIZE}
    seen = theirs.visual_projection(theirs.vision_model(images, **resized).pooler_output)
    read = theirs.text_projection(theirs.text_model(ids).pooler_output)
    peer = f"transformers {transformers.__version__}"
    del theirs
    yield "Hugging Face", peer, compare(folder / "theirs", size, images, ids, (seen, read))
    recipe = EncoderRecipe(str(folder / "theirs"), image_size=size)
    encoders.save(folder / "ours", encoders.build(recipe))
    yield "flexpad", peer, compare(folder / "ours", size, images, ids, (seen, read))


@torch.no_grad()
def from_open_clip(
    shape: str, activation: str, size: int, folder: Path
) -> Iterator[tuple[str, str, tuple[float, float, float]]]:
    """Compare its layout."""
    described = for_open_clip(shape, activation)
    tensors = stir(open_clip.model.CLIP(**described)).state_dict()
    save_file(tensors, folder / "open_clip_model.safetensors")
    content = json.dumps({"model_cfg": described})
    (folder / "open_clip_config.json").write_text(content, encoding="utf-8")
    small_tokenizer().save(str(folder / "tokenizer.json"))
    described["vision_cfg"]["image_size"] = size
    theirs = open_clip.model.CLIP(**described).eval()
    open_clip.model.resize_pos_embed(tensors, theirs)
    theirs.load_state_dict(tensors)
    images, ids = draw(size)
    expected = theirs.encode_image(images), theirs.encode_text(ids)
    del theirs, tensors
    peer = f"open_clip {open_clip.__version__}"
    yield "open_clip", peer, compare(folder, size, images, ids, expected)


def measure(shape: str, activation: str, size: int) -> Iterator[dict[str, str]]:
    """Give the rows of a case."""
    for make in (from_transformers, from_open_clip) if open_clip else (from_transformers,):
        torch.manual_seed(0)
        with tempfile.TemporaryDirectory() as folder:
            compared = make(shape, activation, size, Path(folder))
            for layout, peer, (image, text, largest) in compared:
                key = dict(zip(KEY, (layout, shape, activation, str(size)), strict=True))
                far = {"image": f"{image:.1e}", "text": f"{text:.1e}", "largest": f"{largest:.2f}"}
                where = {"commit": source_commit(), "hardware": processor()}
                yield {**key, "peer": peer, **far, **where}


def markdown(rows: list[dict[str, str]]) -> str:
    """Make the table of the page."""
    lines = [
        "| layout | shape | activation | pixels | image | text | equal to |",
        "|:--|:--|:--|--:|--:|--:|:--|",
    ]
    lines += [
        f"| {row['layout']} | {row['shape']} | {row['activation']} | {row['image_size']}"
        f" | {row['image']} | {row['text']} | {row['peer']} |"
        for row in rows
    ]
    return "\n".join(lines)


def place_of(row: Mapping[str, str]) -> tuple[int, int]:
    """Say where a row stands in the table."""
    case = row["shape"], row["activation"], int(row["image_size"])
    return LAYOUTS.index(row["layout"]), CASES.index(case)


def main() -> None:
    """Print a row a case and layout, and keep them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--page", type=Path)
    given = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    if open_clip is None:
        print(f"open_clip cannot be imported ({without})", file=sys.stderr)
    rows = []
    for case in CASES:
        for row in measure(*case):
            print(", ".join(row[column] for column in COLUMNS[:-2]), file=sys.stderr, flush=True)
            rows.append(row)
    rows = put(given.out, COLUMNS, rows, KEY, place_of) if given.out else rows
    print(markdown(rows))
    if given.page:
        fill(given.page, "parity", markdown(rows))


if __name__ == "__main__":
    main()

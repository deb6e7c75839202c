"""How far flexpad's CLIP towers are from those of transformers, at full size and random weights.

python benchmarks/parity.py
"""

import tempfile
from pathlib import Path

import torch
import transformers
from rich.table import Table

from flexpad.encoders.weights import load_huggingface
from flexpad.log import console

SHAPES = {  # patch, vision width, layers, heads, text width, heads, joint width
    "ViT-B/32": (32, 768, 12, 12, 512, 8, 512),
    "ViT-B/16": (16, 768, 12, 12, 512, 8, 512),
    "ViT-L/14": (14, 1024, 24, 16, 768, 12, 768),
}
WORDS = 1000  # of a vocabulary; more would only make the embedding longer


def difference(shape: str) -> tuple[float, float]:
    """Largest absolute difference of image and of text features, fp32."""
    patch, width, layers, heads, text_width, text_heads, joint = SHAPES[shape]
    vision = {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * width,
        "patch_size": patch,
    }
    text = {
        "hidden_size": text_width,
        "num_attention_heads": text_heads,
        "intermediate_size": 4 * text_width,
        "vocab_size": WORDS,
        "eos_token_id": WORDS - 1,
    }
    torch.manual_seed(0)
    theirs = transformers.CLIPModel(
        transformers.CLIPConfig(vision_config=vision, text_config=text, projection_dim=joint)
    ).eval()
    with tempfile.TemporaryDirectory() as folder:
        theirs.save_pretrained(folder)
        ours = load_huggingface(Path(folder)).eval()
    images = torch.randn(2, 3, 224, 224)
    ids = torch.randint(1, WORDS - 1, (2, 77))
    ids[:, -1] = WORDS - 1
    with torch.no_grad():
        of_images = theirs.visual_projection(theirs.vision_model(images).pooler_output)
        of_texts = theirs.text_projection(theirs.text_model(ids).pooler_output)
        image = (ours.vision(images).image - of_images).abs().max()
        words = ours.text(ours.text.words(ids), torch.tensor([76, 76]))
    return image.item(), (words - of_texts).abs().max().item()


def main() -> None:
    """Print a row a shape."""
    table = Table("shape", "image", "text", title="largest difference from transformers, fp32")
    for shape in SHAPES:
        table.add_row(shape, *(f"{value:.1e}" for value in difference(shape)))
    console.print(table)


if __name__ == "__main__":
    main()

"""Pictures as bytes of a file, and folders of numbered JPEG files as the CASIA sets have them."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from flexpad.files import whole_file, whole_folder
from flexpad.synth.arrays import Millimetres, Pixels
from flexpad.synth.plan import Take
from flexpad.synth.sensors import Shot

JPEG_QUALITY = 92


def jpeg(pixels: Pixels) -> bytes:
    """Encode a picture as JPEG."""
    content = BytesIO()
    Image.fromarray(pixels).save(content, format="JPEG", quality=JPEG_QUALITY)
    return content.getvalue()


def png(pixels: Pixels | Millimetres) -> bytes:
    """Encode a picture of 8 or 16 bits as PNG."""
    content = BytesIO()
    Image.fromarray(pixels).save(content, format="PNG")
    return content.getvalue()


def write_video(folder: Path, frames: Sequence[int], shots: Sequence[Shot]) -> None:
    """Write a video as ``{color,depth,ir}/0001.jpg``, whole or not at all."""
    with whole_folder(folder) as partial:
        for name in ("color", "depth", "ir"):
            (partial / name).mkdir()
        for frame, shot in zip(frames, shots, strict=True):
            streams = {"color": shot.colour, "depth": shot.depth, "ir": shot.infrared}
            for name, pixels in streams.items():
                (partial / name / f"{frame:04d}.jpg").write_bytes(jpeg(pixels))


def write_lists(
    folder: Path, protocol: str, split: str, videos: Sequence[tuple[str, int, Take]]
) -> None:
    """Write the author lists of a split: its videos, and their images.

    Args:
        folder: Where to.
        protocol: Beginning of their names, e.g. ``CASIA_SURF@p1``.
        split: Whose they are.
        videos: The RGB folder of each video, its label and its take, in order.
    """
    lists = {
        "video": [f"{color} {label}" for color, label, _ in videos],
        "image": [
            f"{color}/{frame:04d}.jpg {label}"
            for color, label, take in videos
            for frame in take.frames
        ],
    }
    for kind, lines in lists.items():
        write_text(folder / f"{protocol}_{kind}_{split}.txt", lines)


def write_text(path: Path, lines: Sequence[str]) -> None:
    """Write a list, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

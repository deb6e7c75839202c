"""The one way an image is opened, wherever it is and however many bits it has.

What names an image is a path relative to a root, a member of a tar file (``a.tar::b.jpg``), or a
locator of an array inside a container, see :mod:`flexpad.data.containers`. Images of 8 bits a
channel are taken as they are; raw values are brought to the same range by their encoding, see
:mod:`flexpad.data.encoding`, and stay exact.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from flexpad.data import containers
from flexpad.data import encoding as encodings
from flexpad.data.encoding import RAW_GRAMMAR
from flexpad.data.members import read_member
from flexpad.types import BadInput, Modality

Pixels = NDArray[Any]  # (H, W) or (H, W, 3)

TAR = ".tar"
EIGHT_BIT_MODES = {"L", "RGB", "RGBA", "P", "LA"}
RAW_MODES = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}


def read_array(root: Path, locator: str) -> Pixels:
    """Read an image as it is stored.

    Args:
        root: What the locator is relative to.
        locator: A path, or a file and an array inside it.

    Returns:
        (H, W), or (H, W, 3) in the order RGB; uint8 or uint16, or what else a container holds.
        In a container, channels may stand first or last. Shares of the full range in [0, 1] are
        brought back to it: 8 bits a channel in colour, 16 in grey.

    Raises:
        BadInput: It cannot be read or is no image.
    """
    stored = _load(root, locator)
    if isinstance(stored, Image.Image):
        return np.asarray(stored if stored.mode == "L" else stored.convert("RGB"))
    return _of_full_range(stored) if _is_share(stored) else stored


def file_content(root: Path, locator: str) -> bytes | None:
    """Read the bytes of an image file.

    Args:
        root: What the locator is relative to.
        locator: A path, or a tar file and its member; or an array inside a container.

    Returns:
        The bytes; None for an array, which is no file.

    Raises:
        BadInput: They cannot be read.
    """
    file, inside, member = locator.partition(containers.MARK)
    path = root / file
    if inside and path.suffix == TAR:
        return read_member(path, member)
    if inside:
        return None
    try:  # read at once: a decoder's many small reads cost as much as its decoding
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from error


def open_image(
    root: Path,
    locator: str,
    modality: Modality,
    encoding: str = "",
    box: str = "",
    box_size: tuple[int, int] | None = None,
) -> Image.Image:
    """Open an image as it will be used: RGB in colour, depth and infrared in grey.

    Args:
        root: What the locator is relative to.
        locator: A path, or a file and an array inside it.
        modality: What the image shows.
        encoding: What its values mean.
        box: The face, ``x0 y0 x1 y1``; "" if the image shows little else. The image is not cut to
            it, but ``mad`` goes by the face alone.
        box_size: Width and height of the image the box was measured in; None for this one.

    Returns:
        Mode ``RGB`` or ``L``; ``F`` in [0, 255] for raw values.

    Raises:
        BadInput: It cannot be read, or its values do not fit its encoding. Raw values without one
            are refused, since what they mean depends on the sensor.
        UnusableImage: Its face has nothing the encoding could go by.
    """
    stored, path = _load(root, locator), root / locator
    if isinstance(stored, Image.Image):
        if encoding and not encoding.startswith("8bit:"):
            raise BadInput(
                f"{path}: has 8 bits a channel, but {encoding} is for raw values; its encoding"
                " would be 8bit:<origin>"
            )
        return stored.convert("RGB" if modality is Modality.RGB else "L")
    if _is_share(stored) and (not encoding or encoding.startswith("8bit:")):
        return _of_shares(stored, modality)
    if _is_share(stored) and not encoding.startswith("mm:"):  # a distance is one, however stored
        stored = _of_full_range(stored)
    if modality is Modality.RGB:
        raise BadInput(f"{path}: holds {stored.dtype} values; give RGB in 8 bits a channel")
    return _scaled(stored, encoding, _face(box, box_size, stored), path)


def edges_of(
    box: str, box_size: tuple[int, int], size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Find a box in an image of the same view and another resolution.

    Args:
        box: ``x0 y0 x1 y1`` in pixels.
        box_size: Width and height of the image those are pixels of.
        size: Width and height of the image in question.

    Returns:
        Left, top, right and bottom edge in its pixels; they may lie outside.

    >>> edges_of("10 20 30 40", (100, 100), (50, 50))
    (5, 10, 15, 20)
    """
    x0, y0, x1, y1 = (float(edge) for edge in box.split())
    across, down = size[0] / box_size[0], size[1] / box_size[1]
    return round(x0 * across), round(y0 * down), round(x1 * across), round(y1 * down)


def _load(root: Path, locator: str) -> Image.Image | Pixels:
    """Read an image of 8 bits a channel as an image, and of more as an array."""
    path = root / locator
    content = file_content(root, locator)
    if content is None:
        stored = _channels_last(containers.read(root, locator), path)
        return Image.fromarray(stored) if stored.dtype == np.uint8 else stored
    image = _decode(content, path)
    return image if image.mode in EIGHT_BIT_MODES else np.asarray(image)


def _decode(content: bytes, path: Path) -> Image.Image:
    """Decode the bytes of an image file.

    Args:
        content: The bytes.
        path: What to call them in messages.

    Raises:
        BadInput: They are no image, are truncated, or have a mode that is not known.
    """
    try:
        with Image.open(BytesIO(content)) as image:
            image.load()
    except UnidentifiedImageError as error:
        raise BadInput(f"{path}: is not an image that can be read") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadInput(f"{path}: cannot be read ({error})") from error
    if image.mode not in EIGHT_BIT_MODES | RAW_MODES:
        raise BadInput(
            f"{path}: is a {image.mode} image; give 8 bits a channel, or one channel of 16"
        )
    return image


def _channels_last(stored: Pixels, path: Path) -> Pixels:
    """Bring channels last, and drop the axis of a single one."""
    if stored.ndim == 3 and stored.shape[2] not in (1, 3) and stored.shape[0] in (1, 3):
        stored = stored.transpose(1, 2, 0)
    if stored.ndim == 3 and stored.shape[2] == 1:
        stored = stored[..., 0]
    if not stored.size or stored.shape[2:] not in ((), (3,)) or stored.ndim < 2:
        raise BadInput(f"{path}: has the shape {stored.shape}; an image is (H, W) or (H, W, 3)")
    return np.ascontiguousarray(stored)


def _is_share(stored: Pixels) -> bool:
    """Whether an array holds shares of the largest value a pixel could have."""
    is_float = np.issubdtype(stored.dtype, np.floating)
    return bool(is_float and stored.min() >= 0 and stored.max() <= 1)


def _of_shares(stored: Pixels, modality: Modality) -> Image.Image:
    if modality is Modality.RGB:
        return Image.fromarray((stored * 255).round().astype(np.uint8)).convert("RGB")
    grey = stored if stored.ndim == 2 else stored.mean(axis=2)
    return Image.fromarray(grey.astype(np.float32) * np.float32(255))


def _of_full_range(shares: Pixels) -> Pixels:
    """Undo a division by the largest value: of 8 bits a channel in colour, of 16 in grey."""
    kind = np.uint8 if shares.ndim == 3 else np.uint16
    return np.rint(shares * np.float64(np.iinfo(kind).max)).astype(kind)


def _face(box: str, box_size: tuple[int, int] | None, stored: Pixels) -> tuple[slice, slice]:
    """Say which rows and columns the face has."""
    height, width = stored.shape[:2]
    if not box:
        return slice(height), slice(width)
    edges = edges_of(box, box_size or (width, height), (width, height))
    left, top, right, bottom = (max(0, edge) for edge in edges)
    return slice(top, bottom), slice(left, right)


def _scaled(stored: Pixels, encoding: str, face: tuple[slice, slice], path: Path) -> Image.Image:
    """Bring raw values to [0, 255] by their encoding."""
    if not encoding or encoding.startswith("8bit:"):
        said = f"its encoding is {encoding}" if encoding else "it has no encoding"
        raise BadInput(
            f"{path}: holds {stored.dtype} values, but {said}; what a raw value means depends on"
            f" the sensor, so say it as {RAW_GRAMMAR}"
        )
    if stored.ndim != 2:
        raise BadInput(f"{path}: has {stored.shape[2]} channels; depth and infrared have one")
    try:
        return Image.fromarray(encodings.scale(stored, encodings.parse(encoding), face))
    except BadInput as error:
        raise type(error)(f"{path}: {error}") from error

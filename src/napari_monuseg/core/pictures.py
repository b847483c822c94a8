"""Images that are decoded whole: PNG, JPEG, BMP, WebP and JPEG 2000."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np

from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.files import reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

_ONE_BIT_GREY = bytes((1, 0))
"""Bit depth and kind of colour, as a PNG's header has them from its 25th byte on."""


def read_picture(path: Path) -> NDArray[Any]:
    """Read a picture as it is stored: no rotation, no colour profile.

    Returns
    -------
    (H, W), (H, W, 3) or (H, W, 4) array
        Of 8 or 16 bits, fewer scaled to these; grey with alpha is returned as RGBA.

    Raises
    ------
    ImageError
        If the file is none of these kinds, is damaged, or is CMYK or a mask.
    """
    with reading(path):
        data = path.read_bytes()
        decode = _decoder(data, path)
        picture: NDArray[Any] = decode(data)
    if decode is imagecodecs.png_decode and data[24:26] == _ONE_BIT_GREY:
        raise ImageError(
            f"{path.name} is a mask, true or false; choose the tissue itself."
        )
    channels = picture.shape[2] if picture.ndim == 3 else 1
    if channels == 4 and decode is _decode_jpeg:
        raise ImageError(
            f"{path.name} is stored as CMYK, for print; export the image as RGB."
        )
    return picture[..., [0, 0, 0, 1]] if channels == 2 else picture


def _decoder(data: bytes, path: Path) -> Callable[[bytes], Any]:
    decoders: list[tuple[bytes, Callable[[bytes], Any]]] = [
        (b"\x89PNG\r\n\x1a\n", imagecodecs.png_decode),
        (b"\xff\xd8\xff", _decode_jpeg),
        (b"BM", _decode_bmp),
        (b"\x00\x00\x00\x0cjP  ", _decode_jpeg2000),
    ]
    for start, decode in decoders:
        if data.startswith(start):
            return decode
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _decode_webp
    raise ImageError(
        f"{path.name} is no image of a known kind; export it as TIFF, PNG or JPEG."
    )


def _decode_jpeg(data: bytes) -> NDArray[Any]:
    # Decoders fill up what a cut file lacks with grey, in silence. An end marker
    # cannot occur among compressed data.
    if data.find(b"\xff\xd9", data.rfind(b"\xff\xda")) < 0:
        raise EOFError("its end is missing")
    picture: NDArray[Any] = imagecodecs.jpeg_decode(data)
    return picture


def _decode_bmp(data: bytes) -> NDArray[Any]:
    # The decoder trusts the header, and reads beyond the end of a cut file.
    start, width, height = (
        int.from_bytes(data[at : at + 4], "little", signed=at > 10)
        for at in (10, 18, 22)
    )
    row = (width * int.from_bytes(data[28:30], "little") + 31) // 32 * 4
    if width < 1 or not height or start + row * abs(height) > len(data):
        raise EOFError("its end is missing")
    picture: NDArray[Any] = imagecodecs.bmp_decode(data)
    return picture


def _decode_jpeg2000(data: bytes) -> NDArray[Any]:
    picture: NDArray[Any] = imagecodecs.jpeg2k_decode(data)
    if picture.dtype.kind != "u":
        return picture
    # The depth of the first component, as the SIZ segment of the codestream has it.
    start = data.index(b"\xff\x4f\xff\x51")
    bits = (data[start + 42] & 127) + 1
    full = int(np.iinfo(picture.dtype).max)
    if 2**bits > full or b"pclr" in data[:start]:  # a palette has its own depth
        return picture
    scaled = np.arange(2**bits) * full / (2**bits - 1)
    table: NDArray[Any] = np.rint(scaled).astype(picture.dtype)
    return table.take(picture, mode="clip")


def _decode_webp(data: bytes) -> NDArray[Any]:
    picture: NDArray[Any] = imagecodecs.webp_decode(data, hasalpha=True)
    return picture

"""A mask as text, for headers that hold no arrays."""

import base64
import zlib

import numpy as np
import numpy.typing as npt


def pack_mask(mask: npt.NDArray[np.bool_]) -> str:
    """Give the bits of a mask, deflated, in base 64."""
    bits = np.packbits(mask).tobytes()
    return base64.b64encode(zlib.compress(bits)).decode("ascii")


def unpack_mask(text: str, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Read what `pack_mask` gave.

    Parameters
    ----------
    text : str
        Of a file.
    shape : tuple of int
        Of the mask, px.

    Raises
    ------
    ValueError
        If it is damaged, or the mask has another size.
    """
    count = int(np.prod(shape))
    needed = -(-count // 8)
    # No more is unpacked than a mask of that size has.
    unpacker = zlib.decompressobj()
    try:
        packed = unpacker.decompress(base64.b64decode(text, validate=True), needed + 1)
    except zlib.error as error:
        raise ValueError("its area cannot be unpacked") from error
    if len(packed) != needed:
        raise ValueError("its area has another size than its labels")
    bits = np.frombuffer(packed, np.uint8)
    return np.unpackbits(bits, count=count).astype(bool).reshape(shape)

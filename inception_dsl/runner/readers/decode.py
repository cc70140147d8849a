"""Image files -> uint8 tensors: by Pillow or, for most JPEGs, by torchvision if it is installed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import Any

import torch
from torch import Tensor

from inception_dsl.runner.base.settings import error_text
from inception_dsl.runner.readers.pillow import eight_bits, upright
from inception_dsl.runner.readers.reader import Reduction, Unreadable

ORIENTATION = 0x0112  # the EXIF tag: 1 is upright, 5 to 8 swap height and width
JPEG_ENDINGS = (".jpg", ".jpeg")


def decode_image(data: bytes, name: str, reduction: Reduction | None = None) -> Tensor:
    """Decode an image file, rotated as its EXIF tag says. Raises `Unreadable` if it is broken.

    `reduction` may have a JPEG decoded at a half, a quarter or an eighth of its size, which is faster.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data)) as image:
            if image.format == "JPEG":
                turned = image.getexif().get(ORIENTATION, 1)
                width, height = image.size
                size = (width, height) if turned in {5, 6, 7, 8} else (height, width)
                smaller = reduction(*size) if reduction else 1
                if smaller > 1:
                    image.draft(None, (width // smaller, height // smaller))
                elif turned == 1 and image.mode in {"L", "RGB"} and (decoded := try_torchvision(data)) is not None:
                    return decoded
            return pillow_to_tensor(upright(image))
    except UnidentifiedImageError:  # its message holds a memory address
        raise Unreadable(f"{name}: not an image file that Pillow knows") from None
    except Exception as error:  # noqa: BLE001 - each format raises its own exceptions
        raise Unreadable(f"{name}: {error_text(error)}") from None


def try_torchvision(data: bytes) -> Tensor | None:
    """Decode a JPEG with torchvision; None without it, and if the file is broken, so that Pillow names the cause."""
    if (decode := jpeg_decoder()) is None:
        return None
    try:
        return decode(torch.frombuffer(bytearray(data), dtype=torch.uint8))
    except Exception:  # noqa: BLE001
        return None


@lru_cache(maxsize=1)
def jpeg_decoder() -> Callable[[Tensor], Tensor] | None:
    """The decoder of JPEGs in torchvision; None if that is not installed, or does not fit this torch."""
    try:
        from torchvision.io import decode_jpeg
    except (ImportError, OSError, RuntimeError):
        return None
    warnings.filterwarnings("ignore", "The image decoding", DeprecationWarning)  # where it is gone, Pillow decodes
    decode: Callable[[Tensor], Tensor] = decode_jpeg
    return decode


def pillow_to_tensor(image: Any) -> Tensor:
    """Convert a Pillow image to uint8, 1 (grey) or 3 x height x width: CMYK becomes RGB, alpha is dropped."""
    image = eight_bits(image)
    values = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return values.view(image.height, image.width, -1).permute(2, 0, 1)


def preload_decoder(jpeg: bool) -> None:
    """Import the decoders, that of JPEGs if need be, before workers fork, so that none has to import them again."""
    import PIL.Image

    PIL.Image.preinit()
    if jpeg:
        jpeg_decoder()


def decoder_versions() -> dict[str, str]:
    """The versions of the decoders that have been imported, and of the JPEG library in Pillow."""
    packages = [name for name in ("PIL", "torchvision") if name in sys.modules]
    found: dict[str, str] = {name: sys.modules[name].__version__ for name in packages}
    if "PIL" in found:
        from PIL import features

        found["libjpeg-turbo"] = str(features.version("libjpeg_turbo"))
    return found

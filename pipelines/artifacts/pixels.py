"""Opening a picture that a stranger sent: only what is a picture of pixels, and not too many of them.

Every picture that Pillow reads is opened here. Its header says how large it is before a pixel is decoded.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pipelines.artifacts.measures import Unmeasurable
from pipelines.programs.ffmpeg import MediaNotInstalled
from spaces_registry.network.bounds import find_bounds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from PIL import Image

# Pillow knows more, among them EPS, which a program called Ghostscript would draw
_FORMATS: Final = (
    *("AVIF", "BMP", "DDS", "DIB", "GIF", "ICNS", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM"),
    *("PSD", "QOI", "SGI", "SUN", "TGA", "TIFF", "WEBP", "XBM", "XPM"),
)


@contextmanager
def picture_in(path: Path) -> Iterator[Image.Image]:
    """Open a picture; nothing of it is decoded yet.

    Raises:
        Unmeasurable: it has more pixels than are worked on.
        MediaNotInstalled: Pillow is missing.
        Exception: whatever Pillow's parsers met.
    """
    try:
        from PIL import Image  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as cause:
        raise MediaNotInstalled("Pillow") from cause
    most = find_bounds().pixels
    if Image.MAX_IMAGE_PIXELS is not None and most > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = most  # the user has raised ours
    try:
        image = Image.open(path, formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as cause:
        raise Unmeasurable(path, f"it has more than {most:,} pixels") from cause
    with image:
        if image.width * image.height > most:  # between this and twice as many Pillow only warns
            raise Unmeasurable(path, f"it has more than {most:,} pixels: {image.width}x{image.height}")
        try:
            yield image
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as cause:  # a later frame
            raise Unmeasurable(path, f"a frame of it has more than {most:,} pixels") from cause

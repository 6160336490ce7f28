"""Where the eye is, and what a pixel of the picture looks at."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pipelines.studio.picture.noise import Plane

Canvas: TypeAlias = npt.NDArray[np.float32]
"""Linear light, (rows, columns, 3), 32-bit."""


@dataclass(frozen=True, slots=True)
class View:
    """A camera that looks level over the land.

    Attributes:
        width: pixels.
        height: pixels.
        horizon: row of the horizon, from the top; a pixel, not a share.
        eye: height of the eye over sea level, in world units.
        detail: octaves of the finest noise.
    """

    width: int
    height: int
    horizon: float
    eye: float
    detail: int

    @property
    def focal(self) -> float:
        """Pixels per unit at distance one; about 60 degrees over the longer side."""
        return 0.87 * max(self.width, self.height * 0.9)

    @property
    def columns(self) -> Plane:
        """Of every column, its place from the middle in pixels; (1, width)."""
        return (np.arange(self.width, dtype=np.float32) - np.float32(self.width / 2 - 0.5))[None, :]

    @property
    def rows(self) -> Plane:
        """Of every row, its number; (height, 1)."""
        return np.arange(self.height, dtype=np.float32)[:, None]

    @property
    def unit(self) -> float:
        """What sizes in pixels are to be multiplied with; 1.0 for a picture of 1024 by 1024."""
        return float(np.sqrt(self.width * self.height)) / 1024.0


def mix(under: Canvas, over: Canvas, share: Plane) -> Canvas:
    """`over` laid on `under` with a share of 0 to 1 per pixel; colours may be single ones."""
    return (under + (over - under) * share[..., None]).astype(np.float32)

"""Cut-outs that stand in the land: trees. Each has a shape, a shade, and snow to lie on it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipelines.studio.picture.noise import Plane, Rng, fbm, smoothstep

_LEVELS = 5  # each half as high as the one before


@dataclass(frozen=True, slots=True)
class Cutout:
    """A sprite at one size; planes of the same size, the foot at the middle of the lowest row.

    Attributes:
        shape: 0 to 1, what it covers.
        shade: about 0.3 to 1.4, how light it is.
        snow: 0 to 1, where snow would lie.
    """

    shape: Plane
    shade: Plane
    snow: Plane


@dataclass(frozen=True, slots=True)
class Sprite:
    """A cut-out that can be had at any size; `levels` are ever smaller ones to start from."""

    levels: tuple[tuple[Image.Image, Image.Image, Image.Image], ...]

    @classmethod
    def of(cls, shape: Plane, shade: Plane, snow: Plane) -> "Sprite":
        """A sprite from its planes at full size."""
        first = tuple(Image.fromarray(plane.astype(np.float32)) for plane in (shape, shade, snow))
        levels = [first]
        for _ in range(_LEVELS):
            levels.append(tuple(plane.reduce(2) for plane in levels[-1]))
        return cls(tuple((one[0], one[1], one[2]) for one in levels))

    def at_height(self, rows: int) -> Cutout:
        """The same, so many rows high."""
        fine = [level for level in self.levels if level[0].height >= rows]
        planes = fine[-1] if fine else self.levels[0]
        columns = max(2, round(rows * planes[0].width / planes[0].height))
        how = Image.Resampling.BILINEAR
        return Cutout(*(np.asarray(plane.resize((columns, rows), how), np.float32) for plane in planes))


def conifer(rng: Rng, lit_from: float) -> Sprite:
    """A spruce: tiers of drooping branches; `lit_from` is -1 for light from the left, 1 from the right."""
    rows, columns = 480, 224
    v = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    u = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    tiers = int(rng.integers(11, 17))
    slim = float(rng.uniform(0.62, 0.95))
    shape = np.zeros((rows, columns), np.float32)
    lift = np.zeros((rows, columns), np.float32)
    ragged = fbm(rng, (rows, columns), (90, 40), 4, 0.6)
    for side in (-1, 1):
        droop = v - 0.10 * np.abs(u) * (0.4 + v)  # branches hang
        place = np.clip(droop, 0, 1) ** 0.86 * tiers + float(rng.uniform(0, 1))
        within = place - np.floor(place)
        vary = rng.uniform(0.72, 1.12, tiers + 3).astype(np.float32)[np.floor(place).astype(np.int32)]
        reach = slim * (0.03 + 0.97 * np.clip(droop, 0, 1) ** 0.9) * (0.42 + 0.58 * within**0.8) * vary
        reach = reach * (1 - smoothstep(0.93, 1.0, v)) + 0.12 * ragged * (0.25 + v)
        half = (np.sign(u) * side) >= 0
        shape = np.where(half, smoothstep(0.03, -0.03, np.abs(u) - reach), shape)
        lift = np.where(half, within, lift)
    trunk = smoothstep(0.035, 0.02, np.abs(u)) * smoothstep(0.86, 0.92, v)
    shade = 0.62 + 0.42 * lift + 0.30 * u * lit_from - 0.20 * v + 0.38 * ragged
    drift = fbm(rng, (rows, columns), (34, 12), 4, 0.7)
    snow = 0.85 * smoothstep(0.75, 0.1, lift + 0.62 * drift) * smoothstep(0.0, 0.08, v)
    return Sprite.of(np.maximum(shape, trunk), shade, snow)


def broadleaf(rng: Rng, lit_from: float) -> Sprite:
    """An oak or lime: a crown of many clumps on a short trunk."""
    rows, columns = 360, 360
    v = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    u = np.linspace(-0.5, 0.5, columns, dtype=np.float32)[None, :]
    shape = smoothstep(0.022, 0.012, np.abs(u + 0.012 * np.sin(v * 9))) * smoothstep(0.55, 0.62, v)
    shade = np.full((rows, columns), 0.14, np.float32)
    ragged = fbm(rng, (rows, columns), (30, 30), 5, 0.72)
    for _ in range(44):
        angle, far = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0, 1)) ** 0.6
        x, y = 0.30 * far * np.cos(angle), 0.40 + 0.27 * far * np.sin(angle)
        size = float(rng.uniform(0.06, 0.125))
        part = (_around(y, size, rows), _around(x + 0.5, size, columns))
        dx, dy, rough = (u[:, part[1]] - x) / size, (v[part[0]] - y) / size, ragged[part]
        clump = smoothstep(1.04, 0.90, np.hypot(dx, dy * 1.12) + rough * 0.6)
        light = 0.66 + 0.42 * dx * lit_from - 0.42 * dy - 0.5 * (y - 0.36) + 0.42 * rough
        shade[part] += (light - shade[part]) * clump
        shape[part] = np.maximum(shape[part], clump)
    return Sprite.of(shape, shade, smoothstep(0.9, 1.2, shade))


def _around(middle: float, size: float, count: int) -> slice:
    """The rows or columns that a clump can reach."""
    return slice(
        max(0, int((middle - 1.9 * size) * count)), min(count, int((middle + 1.9 * size) * count) + 1)
    )

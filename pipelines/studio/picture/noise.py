"""Fractal noise: the one ingredient of hills, clouds, waves and bark."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Plane: TypeAlias = npt.NDArray[np.float32]
"""One channel, (rows, columns), 32-bit."""
Rng: TypeAlias = np.random.Generator


def resized(plane: Plane, size: tuple[int, int], *, smooth: bool = True) -> Plane:
    """A plane at another size (rows, columns)."""
    how = Image.Resampling.BICUBIC if smooth else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(plane).resize((size[1], size[0]), how), dtype=np.float32)


def blurred(plane: Plane, radius: float) -> Plane:
    """A plane without detail finer than `radius` pixels; soft and cheap rather than exact."""
    rows, columns = plane.shape
    small = (max(2, round(rows / radius)), max(2, round(columns / radius)))
    shrunk = np.asarray(Image.fromarray(plane).resize((small[1], small[0]), Image.Resampling.BOX), np.float32)
    return resized(shrunk, (rows, columns))


def fbm(
    rng: Rng, size: tuple[int, int], cells: tuple[float, float], octaves: int, gain: float = 0.5
) -> Plane:
    """Fractal sum of smooth noise, about -1 to 1; `cells` is how many bumps of the largest octave fit in."""
    total = np.zeros(size, np.float32)
    weight, weights = 1.0, 0.0
    for octave in range(octaves):
        total += weight * _bumps(rng, size, cells, octave)
        weights += weight
        weight *= gain
    return total * np.float32(1.6 / weights)


def ridged(
    rng: Rng, size: tuple[int, int], cells: tuple[float, float], octaves: int, gain: float = 0.5
) -> Plane:
    """Fractal ridges, 0 to about 1: sharp crests that carry finer crests, smooth valleys between them."""
    total = np.zeros(size, np.float32)
    carry = np.ones(size, np.float32)
    weight, weights = 1.0, 0.0
    for octave in range(octaves):
        crest = np.square(1.0 - np.minimum(np.abs(_bumps(rng, size, cells, octave)) * 1.7, 1.0))
        total += weight * crest * carry
        carry = np.clip(crest * 1.8, 0.0, 1.0)
        weights += weight
        weight *= gain
    return total / np.float32(weights)


def eroded(rng: Rng, size: tuple[int, int], cells: tuple[float, float], octaves: int) -> Plane:
    """Fractal noise as water shapes it: fine bumps are weak where coarse ones are steep; about -0.6 to 1."""
    total = np.zeros(size, np.float32)
    slope_y, slope_x = np.zeros(size, np.float32), np.zeros(size, np.float32)
    weight = 1.0
    for octave in range(octaves):
        bumps = _bumps(rng, size, cells, octave)
        down, right = np.gradient(bumps * weight, cells[0] / size[0], cells[1] / size[1])
        slope_y, slope_x = slope_y + down, slope_x + right
        total += weight * bumps / (1 + 0.10 * (np.square(slope_y) + np.square(slope_x)))
        weight *= 0.52
    return total


def _bumps(rng: Rng, size: tuple[int, int], cells: tuple[float, float], octave: int) -> Plane:
    grid = tuple(
        min(max(2, round(count * 2**octave)) + 3, side) for count, side in zip(cells, size, strict=True)
    )
    return resized(rng.uniform(-1.0, 1.0, grid).astype(np.float32), size)


def tile(rng: Rng, side: int = 512, roughness: float = 1.0, coarsest: float = 3.0) -> Plane:
    """Noise that repeats without a seam, mean 0, deviation 1.

    Args:
        rng: where the phases come from.
        side: rows and columns.
        roughness: amplitude falls as frequency to minus this.
        coarsest: waves per side of the largest features.
    """
    rows = np.fft.fftfreq(side, 1 / side)[:, None]
    columns = np.fft.rfftfreq(side, 1 / side)[None, :]
    frequency = np.hypot(rows, columns)
    size = np.where(frequency < coarsest, 0.0, np.maximum(frequency, 1.0) ** -(roughness + 1.0))
    waves = size * np.exp(2j * np.pi * rng.random(size.shape))
    plane = np.fft.irfft2(waves, (side, side))
    return np.asarray(plane / plane.std(), np.float32)


def sample(pattern: Plane, across: npt.NDArray[Any], along: npt.NDArray[Any]) -> Plane:
    """Look a repeating pattern up at any place, in units of the pattern's side, smoothly in between."""
    side = pattern.shape[0]
    u, v = across * np.float32(side), along * np.float32(side)
    left, top = np.floor(u), np.floor(v)
    right_share, low_share = u - left, v - top
    x0 = left.astype(np.int32) % side
    y0 = top.astype(np.int32) % side
    x1, y1 = (x0 + 1) % side, (y0 + 1) % side
    flat = pattern.ravel()
    upper = flat.take(y0 * side + x0) * (1 - right_share) + flat.take(y0 * side + x1) * right_share
    lower = flat.take(y1 * side + x0) * (1 - right_share) + flat.take(y1 * side + x1) * right_share
    return np.asarray(upper * (1 - low_share) + lower * low_share, np.float32)


def smoothstep(low: float, high: float, at: npt.NDArray[np.floating[Any]]) -> Plane:
    """0 below `low`, 1 above `high`, an S between; the other way round if `low` is the higher."""
    share = np.clip((at - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share), np.float32)

"""The light of a scene: sun or moon, sky, air. Colours are linear RGB; 1.0 is a bright white surface."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pipelines.studio.picture.noise import Rng
from pipelines.studio.picture.scene import Scene

Colour: TypeAlias = npt.NDArray[np.float32]
"""Three numbers: linear red, green, blue."""


def colour(code: str, strength: float = 1.0) -> Colour:
    """`rrggbb` as linear light."""
    srgb = np.array([int(code[place : place + 2], 16) for place in (0, 2, 4)], np.float32) / 255
    return (np.power(srgb, 2.2) * strength).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Light:
    """How a scene is lit.

    Attributes:
        zenith: sky at the upper edge.
        middle: sky half way down.
        horizon: sky just above the land; also what far things fade to.
        glow: around the sun or moon, and on clouds that it lights.
        sun: direct light on surfaces.
        fill: light from the rest of the sky, on everything.
        cloud: shaded side of clouds.
        cover: 0 to 1, how much of the sky is cloud.
        sun_at: where it stands: share of the width, and of the sky's height; it may be out of view.
        disc: radius of its disc in shares of the width; 0 hides it.
        slant: height of the light over the land, as tangent.
        stars: 0 to 1.
        exposure: factor at the end.
    """

    zenith: Colour
    middle: Colour
    horizon: Colour
    glow: Colour
    sun: Colour
    fill: Colour
    cloud: Colour
    cover: float
    sun_at: tuple[float, float]
    disc: float
    slant: float
    stars: float
    exposure: float


_Row: TypeAlias = tuple[str, str, str, str, str, str, str]
# zenith, middle, horizon, glow, sun, fill, cloud
_COLOURS: Mapping[str, tuple[_Row, ...]] = {
    "day": (
        ("1f5fb0", "5f9fdb", "c9dfec", "fff6e2", "fff3dc", "8fb4dc", "8297ae"),
        ("2b6cb5", "79aede", "d9e6ea", "fff3d8", "fff0d2", "93b3d2", "8d9cab"),
    ),
    "dawn": (
        ("3d548f", "b394b6", "ffd2ac", "ffd9a6", "ffc493", "8d8fc0", "77709c"),
        ("4a6fa0", "c9b3c0", "ffe0b8", "ffe2b4", "ffd0a0", "93a0c4", "868aa8"),
    ),
    "sunset": (
        ("24346b", "a65c78", "ff9d58", "ffac6c", "ffa47a", "7c78b0", "544470"),
        ("2d4a80", "d08a6e", "ffbd70", "ffc486", "ffb486", "8484b4", "6b5878"),
        ("32295c", "934468", "ff8552", "ff9c66", "ff9a72", "7666a4", "473258"),
    ),
    "dusk": (
        ("101d48", "3d5890", "e2a08c", "ffae84", "b98aa0", "5a6ea8", "36446e"),
        ("16204e", "6a5a94", "f0907a", "ffa078", "c08498", "5c66a4", "3a3a68"),
    ),
    "night": (
        ("060c22", "0f2148", "2a4a72", "b8cdf2", "8fb0e8", "2e4778", "182848"),
        ("070a20", "16204c", "31507c", "c4d4f4", "93aee4", "30447a", "1b2748"),
    ),
    "aurora": (("040a1c", "0a1c38", "1d4658", "b0e0d8", "78c8b8", "2c5468", "12263c"),),
    "storm": (
        ("262e38", "46525e", "a3aba4", "e6e2cc", "b4b8b4", "6e7c88", "2e3640"),
        ("20303a", "44585f", "9fb0a4", "eee8c8", "bcc0b0", "68808a", "28353c"),
    ),
    "storm, low sun": (  # it breaks through below the clouds
        ("1f2638", "5a4c5e", "ff9c58", "ffae6c", "ffa070", "747298", "38364a"),
        ("1c2438", "664c56", "ffae60", "ffbc78", "ffae78", "787496", "3a3648"),
    ),
    "mist": (
        ("8fa0ae", "b4c0c6", "dde1de", "fff4e0", "c8ccc8", "b0bcc4", "98a4ac"),
        ("8a94a8", "bdbfc8", "e8e0d6", "fff0d8", "d4ccc4", "b0b4c0", "9a9ca8"),
    ),
}
# strength of sky, sun and fill; cover from, to; slant; disc; stars; exposure
_NUMBERS: Mapping[str, tuple[float, float, float, float, float, float, float, float, float]] = {
    "day": (0.95, 1.5, 0.36, 0.2, 0.62, 0.75, 0.0, 0.0, 1.0),
    "dawn": (0.85, 1.05, 0.36, 0.3, 0.6, 0.3, 0.022, 0.0, 1.0),
    "sunset": (0.85, 1.1, 0.4, 0.35, 0.7, 0.26, 0.026, 0.0, 1.0),
    "dusk": (0.62, 0.35, 0.34, 0.3, 0.6, 0.25, 0.0, 0.35, 1.05),
    "night": (0.85, 0.5, 0.45, 0.1, 0.4, 0.6, 0.022, 1.0, 1.15),
    "aurora": (0.9, 0.42, 0.5, 0.0, 0.05, 0.6, 0.0, 1.0, 1.15),
    "storm": (0.66, 0.40, 0.33, 1.15, 1.3, 0.5, 0.0, 0.0, 1.0),
    "storm, low sun": (0.62, 0.85, 0.32, 1.0, 1.15, 0.26, 0.026, 0.0, 1.0),
    "mist": (0.8, 0.42, 0.55, 0.2, 0.4, 0.5, 0.015, 0.0, 1.0),
}


def light_of(scene: Scene, rng: Rng) -> Light:
    """The light for a scene, with some freedom in where the sun stands."""
    kind = _kind_of(scene)
    rows = _COLOURS[kind]
    zenith, middle, horizon, glow, sun, fill, cloud = rows[int(rng.integers(len(rows)))]
    sky, sunny, filled, least, most, slant, disc, stars, exposure = _NUMBERS[kind]
    cover = float(rng.uniform(least, most))
    if "cloudy" in scene.extras:
        cover = max(cover, 0.68)
    if "clear" in scene.extras:
        cover = 0.05
    if "stars" in scene.extras and scene.time in {"night", "dusk"}:
        cover, stars = min(cover, 0.15), 1.0
    return Light(
        zenith=colour(zenith, sky),
        middle=colour(middle, sky),
        horizon=colour(horizon, sky),
        glow=colour(glow),
        sun=colour(sun, sunny),
        fill=colour(fill, filled),
        cloud=colour(cloud, sky),
        cover=cover,
        sun_at=_sun_at(scene, rng),
        disc=disc if scene.time != "night" or "stars" not in scene.extras or "moon" in scene.extras else 0.0,
        slant=slant,
        stars=stars,
        exposure=exposure,
    )


def _kind_of(scene: Scene) -> str:
    is_breaking = scene.time == "storm" and "low sun" in scene.extras
    return "storm, low sun" if is_breaking else scene.time


def _sun_at(scene: Scene, rng: Rng) -> tuple[float, float]:
    across = float(rng.choice([rng.uniform(0.2, 0.42), rng.uniform(0.58, 0.8)]))
    match _kind_of(scene):
        case "sunset" | "dawn" | "storm, low sun":
            return across, float(rng.uniform(0.06, 0.24))
        case "dusk":
            return across, -0.05
        case "night":
            return across, float(rng.uniform(0.5, 0.74))
        case "mist":
            return across, float(rng.uniform(0.3, 0.55))
        case _:
            return across, float(rng.uniform(0.8, 1.1))

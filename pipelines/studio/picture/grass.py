"""The foreground of green land: blades of grass, ferns and flowers, drawn one by one."""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from pipelines.studio.picture.light import Colour, colour
from pipelines.studio.picture.noise import Rng
from pipelines.studio.picture.scene import Scene
from pipelines.studio.picture.stage import Stage
from pipelines.studio.picture.terrain import Seen, height_of
from pipelines.studio.picture.view import Canvas

_NEAR, _FAR = 0.75, 4.2
_BLADES = 5200
_GREENS = ("4f6f2a", "6c8a36", "86a044", "3f5c24", "9aa650")
_DRY = ("8a7034", "a8863c", "6e5a2a", "b89850", "7a5a28")
_FLOWERS = {
    "poppies": ("d8302a", "e84838", "c82420"),
    "lavender": ("7a5cc0", "9070d0", "6a4cb0"),
    "mixed": ("f2f0e8", "f2c83c", "d85a8c", "8a6ad0", "e8683c"),
}


def grass_on(stage: Stage, seen: Seen, canvas: Canvas) -> Canvas:
    """Draw the nearest few paces of a meadow or of a forest's ground."""
    view, scene, light, rng = stage.view, stage.scene, stage.light, stage.rng
    if scene.subject not in {"meadow", "forest"} or "snow" in scene.extras:
        return canvas
    top = int(max(view.horizon - 2, 0))
    size = (view.width * 2, (view.height - top) * 2)
    colours, mask = Image.new("RGB", size), Image.new("L", size)
    draw, cut = ImageDraw.Draw(colours), ImageDraw.Draw(mask)
    flowers = _flowers_of(scene)
    for x, y, tall, near in _feet(stage, seen):
        foot = (2 * x, 2 * (y - top))
        bend = float(rng.normal(0.12, 0.35)) * tall
        tip = (foot[0] + 2 * bend, foot[1] - 2 * tall)
        knee = (foot[0] + 0.55 * bend, foot[1] - 1.2 * tall)
        tone = _blade(scene, rng)
        width = max(1, round(2.6 * near * view.unit))
        draw.line([foot, knee, tip], fill=tone, width=width)
        cut.line([foot, knee, tip], fill=235, width=width)
        if flowers and rng.random() < 0.16:
            petal = _rgb(flowers[int(rng.integers(len(flowers)))], float(rng.uniform(0.8, 1.1)))
            size_px = float(rng.uniform(2.6, 4.8)) * near * view.unit * 1.7
            spot = [tip[0] - size_px, tip[1] - size_px * 0.75, tip[0] + size_px, tip[1] + size_px * 0.75]
            draw.ellipse(spot, fill=petal)
            cut.ellipse(spot, fill=255)
    half = (view.width, view.height - top)
    shown = np.asarray(mask.resize(half, Image.Resampling.BOX), np.float32) / 255
    painted = np.asarray(colours.resize(half, Image.Resampling.BOX), np.float32) / 255
    painted = np.power(painted / np.maximum(shown, 0.05)[..., None], 2.2)
    lit = painted * (light.fill * 1.15 + light.sun * (0.35 + 0.75 * seen.facing[top:])[..., None])
    canvas[top:] += (lit - canvas[top:]) * shown[..., None]
    return canvas


def _flowers_of(scene: Scene) -> tuple[str, ...]:
    if "autumn" in scene.extras or scene.subject == "forest":
        return ()
    for name in ("poppies", "lavender"):
        if name in scene.extras:
            return _FLOWERS[name]
    return _FLOWERS["mixed"] if "flowers" in scene.extras or scene.time in {"dawn", "day"} else ()


def _feet(stage: Stage, seen: Seen) -> Iterator[tuple[float, float, float, float]]:
    """Where blades stand, far ones first: column and row of the foot, height in pixels, nearness 0 to 1."""
    view, rng = stage.view, stage.rng
    count = int(_BLADES * (1.0 if stage.scene.subject == "meadow" else 0.7))
    z = np.sort(_NEAR * (_FAR / _NEAR) ** rng.random(count))[::-1].astype(np.float32)
    x = (rng.uniform(-0.53, 0.53, count) * view.width / view.focal * z).astype(np.float32)
    ground, _ = height_of(seen.relief, x, z)
    clumps = 0.6 + 0.4 * np.sin(x * 7 + np.sin(z * 9)) * np.sin(z * 6 + 1.3)
    tall = rng.uniform(0.05, 0.115, count) * clumps * view.focal / z
    column = view.width / 2 + x * view.focal / z
    row = view.horizon + (view.eye - ground) * view.focal / z
    for one in np.flatnonzero(ground > 0.05):
        near = min(1.0, 1.3 / float(z[one]))
        yield float(column[one]), float(row[one]), float(tall[one]) * 0.8, near


def _blade(scene: Scene, rng: Rng) -> tuple[int, int, int]:
    codes = _DRY if "autumn" in scene.extras else _GREENS
    dim = 0.72 if scene.subject == "forest" else 1.0
    return _rgb(codes[int(rng.integers(len(codes)))], float(rng.uniform(0.6, 1.1)) * dim)


def _rgb(code: str, strength: float) -> tuple[int, int, int]:
    tone: Colour = np.clip(np.power(colour(code, strength), 1 / 2.2) * 255, 0, 255)
    return int(tone[0]), int(tone[1]), int(tone[2])

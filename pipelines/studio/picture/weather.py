"""What is between the eye and the land: shafts of light, rain, snow, lightning."""

import numpy as np
from PIL import Image, ImageDraw

from pipelines.studio.picture.light import colour
from pipelines.studio.picture.noise import Plane, Rng, blurred, fbm, smoothstep
from pipelines.studio.picture.stage import Stage
from pipelines.studio.picture.terrain import Seen
from pipelines.studio.picture.view import Canvas


def lightning_in(stage: Stage, canvas: Canvas) -> Canvas:
    """A bolt from the clouds to the horizon, and the clouds around it lit; to be painted before the land."""
    view, rng = stage.view, stage.rng
    if "lightning" not in stage.scene.extras:
        return canvas
    layer = Image.new("L", (view.width, view.height))
    draw = ImageDraw.Draw(layer)
    x = float(rng.uniform(0.2, 0.8)) * view.width
    _bolt(draw, (x, view.horizon * 0.12), view.horizon * 1.02, 3.2 * view.unit, rng)
    mask: Plane = np.asarray(layer, np.float32) / np.float32(255)
    glow = np.zeros_like(mask)
    for radius, share in ((3, 0.7), (16, 0.8), (90, 3.4)):
        glow += blurred(mask, radius * view.unit) * np.float32(share)
    return (canvas + (mask * 3 + glow)[..., None] * colour("cdd8ff")).astype(np.float32)


def _bolt(draw: ImageDraw.ImageDraw, start: tuple[float, float], end: float, width: float, rng: Rng) -> None:
    x, y = start
    stride = max((end - y) / 26, 3.0)
    while y < end:
        ahead = (x + float(rng.normal(0, stride * 0.95)), y + stride * float(rng.uniform(0.6, 1.3)))
        draw.line([(x, y), ahead], fill=255, width=max(1, round(width)))
        if width > 1 and rng.random() < 0.16:
            _bolt(draw, ahead, ahead[1] + (end - ahead[1]) * float(rng.uniform(0.2, 0.55)), width * 0.45, rng)
        x, y = ahead


def shafts_of(stage: Stage, seen: Seen, canvas: Canvas) -> Canvas:
    """Light that falls in shafts through the trees of a wood, from above the picture where the sun is."""
    view, scene, light = stage.view, stage.scene, stage.light
    if scene.subject != "forest" or light.stars or scene.time == "storm":
        return canvas
    x, y = light.sun_at[0] * view.width, -0.35 * view.height
    lean = (view.columns + view.width / 2 - x) / np.maximum(view.rows - y, 1.0)
    rays = fbm(stage.rng, (4, 1024), (1, 30), 4, 0.62)[1]
    pattern = np.interp(lean, np.linspace(-1.6, 1.6, 1024), rays).astype(np.float32)
    down = smoothstep(view.horizon * 0.05, view.horizon * 0.75, view.rows) * smoothstep(
        1.25, 0.5, view.rows / view.height
    )
    beside = np.exp(-np.square((view.columns + view.width / 2 - x) / (0.5 * view.width)))
    far = smoothstep(1.2, 6.0, seen.depth) * 0.65 + 0.35
    shaft = smoothstep(-0.1, 0.9, pattern) * down * beside * far * (0.16 + 0.2 * scene.mist)
    return np.asarray(canvas + shaft[..., None] * (light.glow * 0.65 + light.horizon * 0.35), np.float32)


def falling_on(stage: Stage, seen: Seen, canvas: Canvas) -> Canvas:
    """Rain or snow in the air, if it falls."""
    del seen  # it falls before everything
    extras, time = stage.scene.extras, stage.scene.time
    if "rain" in extras and "snow" not in extras:
        return _rain(stage, canvas)
    if "snow" in extras and time in {"storm", "mist", "dusk", "day", "dawn"}:
        return _snow(stage, canvas)
    return canvas


def _rain(stage: Stage, canvas: Canvas) -> Canvas:
    view, light, rng = stage.view, stage.light, stage.rng
    layer = Image.new("L", (view.width, view.height))
    draw = ImageDraw.Draw(layer)
    lean = float(rng.uniform(-0.22, 0.22))
    for _ in range(int(900 * view.unit**2) + 60):
        x, y = float(rng.uniform(-20, view.width + 20)), float(rng.uniform(-40, view.height))
        long = float(rng.uniform(10, 42)) * view.unit
        draw.line([(x, y), (x + lean * long, y + long)], fill=int(rng.integers(12, 46)))
    mask = np.asarray(layer, np.float32) / 255
    return (canvas + mask[..., None] * (light.horizon * 0.8 + light.fill * 0.6)).astype(np.float32)


def _snow(stage: Stage, canvas: Canvas) -> Canvas:
    view, light, rng = stage.view, stage.light, stage.rng
    layer = Image.new("L", (view.width * 2, view.height * 2))
    draw = ImageDraw.Draw(layer)
    for _ in range(int(700 * view.unit**2) + 60):
        x, y = float(rng.uniform(0, view.width * 2)), float(rng.uniform(0, view.height * 2))
        size = (0.8 + float(rng.pareto(2.6))) * view.unit * 1.3
        size = min(size, 8 * view.unit)
        draw.ellipse([x - size, y - size, x + size, y + size], fill=int(max(40, 235 - size * 20)))
    mask = np.asarray(layer.resize((view.width, view.height), Image.Resampling.BOX), np.float32) / 255
    white = light.fill * 1.6 + light.sun * 0.55
    return (canvas + (white - canvas) * (mask * 0.85)[..., None]).astype(np.float32)

"""From light to a picture: bloom, exposure, tint, vignette, grain."""

import numpy as np
from PIL import Image

from pipelines.studio.picture.noise import blurred
from pipelines.studio.picture.stage import Stage
from pipelines.studio.picture.view import Canvas, View

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def develop(stage: Stage, canvas: Canvas) -> Image.Image:
    """Eight-bit sRGB of a canvas."""
    view, scene = stage.view, stage.scene
    canvas = canvas + _bloom(view, canvas)
    canvas = canvas * (np.array(scene.tint, np.float32) * np.float32(stage.light.exposure * 1.3))
    film = (
        canvas * (2.51 * canvas + 0.03) / (canvas * (2.43 * canvas + 0.59) + 0.14)
    )  # the ACES curve, as fitted by Narkowicz
    film = np.power(np.clip(film, 0, 1), np.float32(1 / 2.2))
    grey = (film @ _LUMA)[..., None]
    film = grey + (film - grey) * np.float32(scene.saturation * 1.04)
    across, down = view.columns / view.width, (view.rows - view.height / 2) / view.height
    edge = np.square(across) + np.square(down)
    film *= (1 - 0.42 * np.square(edge * 2) ** 0.8 * 0.7)[..., None]
    grain = stage.rng.standard_normal((view.height, view.width), np.float32)
    film += (grain * (0.011 * (1.15 - grey[..., 0])))[..., None]
    return Image.fromarray((np.clip(film, 0, 1) * 255 + 0.5).astype(np.uint8))


def _bloom(view: View, canvas: Canvas) -> Canvas:
    bright = np.clip(canvas - 0.95, 0, 2.5)
    out = np.zeros_like(canvas)
    if not bright.any():
        return out
    for radius, share in ((7, 0.22), (26, 0.16), (80, 0.10)):
        for band in range(3):
            out[..., band] += blurred(
                np.ascontiguousarray(bright[..., band]), radius * view.unit
            ) * np.float32(share)
    return out

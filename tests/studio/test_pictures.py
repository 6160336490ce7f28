"""The painter: what it owes to a prompt, a seed and a size."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from gradio_client.utils import StatusUpdate
from PIL import Image

Paint = Callable[..., tuple[Path, Any, Any]]
PROMPTS = (
    "a lighthouse at night",
    "mountains at sunset",
    "a city skyline at dusk",
    "a misty forest",
    "desert dunes at noon",
    "an aurora over a snowy lake",
    "a field of poppies in the morning",
    "a ship in a thunderstorm",
    "",
)


def pixels(file: Path) -> npt.NDArray[np.float64]:
    """Levels of red, green and blue."""
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"), np.float64)


def test_the_same_prompt_seed_and_size_give_the_same_bytes(paint: Paint) -> None:
    """A repeated run must be recognised as the same result."""
    first, second = paint("a quiet lake at dawn", 3)[0], paint("a quiet lake at dawn", 3)[0]

    assert first.read_bytes() == second.read_bytes()


def test_another_seed_gives_another_picture(paint: Paint) -> None:
    """Variations on a prompt are what seeds are for."""
    first, second = pixels(paint("a quiet lake at dawn", 3)[0]), pixels(paint("a quiet lake at dawn", 4)[0])

    assert np.abs(first - second).mean() > 8


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_picture_is_not_flat(prompt: str, paint: Paint) -> None:
    """Whoever tries the toolkit without a network must get something to look at."""
    picture = pixels(paint(prompt)[0])

    assert picture.std() > 22
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 10_000
    assert picture.std(axis=(0, 1)).min() > 8  # in every colour


def test_the_time_of_day_is_seen(paint: Paint) -> None:
    """Words must steer: a night is darker than a day, a sunset redder than either."""
    night, day, sunset = (pixels(paint(f"mountains, {time}")[0]) for time in ("night", "noon", "sunset"))

    assert night.mean() < day.mean() - 40
    assert sunset[..., 0].mean() - sunset[..., 2].mean() > day[..., 0].mean() - day[..., 2].mean() + 30


def test_a_storm_at_sunset_is_both(paint: Paint) -> None:
    """What a prompt says twice over the sky is not half forgotten."""
    storm, both = pixels(paint("a stormy sea", 3)[0]), pixels(paint("a stormy sea at sunset", 3)[0])
    calm = pixels(paint("a sea at sunset", 3)[0])

    def warmth(picture: npt.NDArray[np.float64]) -> float:
        return float(picture[..., 0].mean() - picture[..., 2].mean())

    assert warmth(both) > warmth(storm) + 20
    assert both.mean() < calm.mean()


def test_a_tint_is_seen(paint: Paint) -> None:
    """Words for moods must steer too."""
    warm, cold = (pixels(paint(f"{mood} hills by day", 5)[0]) for mood in ("golden", "icy blue"))

    assert warm[..., 0].mean() / warm[..., 2].mean() > cold[..., 0].mean() / cold[..., 2].mean() + 0.2


@pytest.mark.parametrize(
    ("resolution", "size"),
    [("1280x720 ( 16:9 )", (1280, 720)), ("576x1024 ( 9:16 )", (576, 1024)), ("256x256 ( 1:1 )", (256, 256))],
)
def test_a_picture_has_the_size_asked_for(resolution: str, size: tuple[int, int], paint: Paint) -> None:
    """Films and slides are cut to the size of their pictures."""
    with Image.open(paint("a valley", resolution=resolution)[0]) as picture:
        assert picture.size == size
        assert picture.format == "PNG"


def test_the_seed_used_is_told_as_text_and_as_integer(paint: Paint) -> None:
    """A chain that wants the same picture again reads the seed from the result."""
    _, text, number = paint("a valley", 11)

    assert (text, number) == ("11", 11)


def test_a_random_seed_is_drawn_and_told(paint: Paint) -> None:
    """With the box ticked, as it is by default, two calls give two pictures that can be had again."""
    first, text, number = paint("a valley", 11, random_seed=True)
    second = paint("a valley", 11, random_seed=True)[0]
    again = paint("a valley", number)[0]

    assert text == str(number)
    assert first.read_bytes() != second.read_bytes()
    assert again.read_bytes() == first.read_bytes()


def test_a_resolution_that_is_not_offered_is_refused(paint: Paint) -> None:
    """The namesake refuses it as well; the studio must not be more lenient than the Space."""
    with pytest.raises(AppError, match="999x999"):
        paint("a valley", resolution="999x999")


def test_progress_advances_to_the_end(client_of: Callable[[str], Client]) -> None:
    """A live view of a run shows how far an app says that it is."""
    job = client_of("Tongyi-MAI/Z-Image-Turbo").submit(
        prompt="a forest in autumn", resolution="1024x1024 ( 1:1 )", random_seed=True, api_name="/generate"
    )

    async def told() -> list[tuple[float | None, float | None]]:
        updates = [update async for update in job if isinstance(update, StatusUpdate)]
        return [(unit.index, unit.length) for update in updates for unit in update.progress_data or []]

    seen = asyncio.run(told())

    assert len(set(seen)) > 1
    assert seen == sorted(seen, key=lambda one: one[0] or 0)
    assert {length for _, length in seen} == {8}

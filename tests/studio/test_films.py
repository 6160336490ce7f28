"""The camera: its films are really films."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from imageio_ffmpeg import count_frames_and_secs, get_ffmpeg_exe
from PIL import Image

Paint = Callable[..., tuple[Path, Any, Any]]
Shoot = Callable[..., Path]
WIDTH, HEIGHT = 640, 360


@pytest.fixture(scope="module")
def shoot(client_of: Callable[[str], Client], paint: Paint) -> Shoot:
    """Film a picture of the studio's own, or another one."""
    painted = paint("a lighthouse by the sea at sunset", resolution=f"{WIDTH}x{HEIGHT} ( 16:9 )")[0]

    def call(prompt: str = "push in", duration: float = 1, first_frame: Path = painted) -> Path:
        client = client_of("alexnasa/ltx-2-TURBO")
        sent = handle_file(str(first_frame))
        return Path(
            client.predict(first_frame=sent, prompt=prompt, duration=duration, api_name="/generate_video")
        )

    return call


def frames_of(film: Path, width: int = WIDTH, height: int = HEIGHT) -> npt.NDArray[np.float64]:
    """Its frames in grey: (frames, rows, columns)."""
    grey = ["-i", str(film), "-f", "rawvideo", "-pix_fmt", "gray", "-loglevel", "error", "-"]
    raw = subprocess.run([get_ffmpeg_exe(), *grey], check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width).astype(np.float64)


def shift_between(first: npt.NDArray[np.float64], last: npt.NDArray[np.float64]) -> tuple[int, int]:
    """By how many pixels the content moved down and to the right, by phase correlation."""
    window = np.outer(np.hanning(first.shape[0]), np.hanning(first.shape[1]))
    spectra = [np.fft.fft2((one - one.mean()) * window) for one in (first, last)]
    cross = spectra[1] * np.conj(spectra[0])
    peak = np.fft.ifft2(cross / (np.abs(cross) + 1e-9)).real
    down, right = np.unravel_index(int(np.argmax(peak)), peak.shape)
    rows, columns = peak.shape
    return int((down + rows // 2) % rows - rows // 2), int((right + columns // 2) % columns - columns // 2)


@pytest.mark.parametrize("duration", [1, 2.5])
def test_a_film_lasts_as_long_as_asked_to_the_frame(duration: float, shoot: Shoot) -> None:
    """Narration is laid over films by their length."""
    frames, seconds = count_frames_and_secs(str(shoot(duration=duration)))

    assert frames == round(duration * 24)
    assert seconds == pytest.approx(duration, abs=0.005)


def test_every_frame_differs_from_the_one_before(shoot: Shoot) -> None:
    """A still with a play button is no film."""
    frames = frames_of(shoot())

    assert np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2)).min() > 0.3


@pytest.mark.parametrize(
    ("prompt", "down", "right"),
    [("pan right", 0, -1), ("pan left", 0, 1), ("tilt up", 1, 0), ("pan down", -1, 0)],
)
def test_the_camera_moves_where_the_prompt_says(prompt: str, down: int, right: int, shoot: Shoot) -> None:
    """Content moves against the camera, and only along its way."""
    frames = frames_of(shoot(prompt))

    moved_down, moved_right = shift_between(frames[8], frames[14])
    assert (np.sign(moved_down), np.sign(moved_right)) == (down, right)
    assert abs(moved_down) + abs(moved_right) >= 4


def test_pushing_in_shows_less_of_the_picture_and_pulling_out_more(shoot: Shoot) -> None:
    """The upper half moves up and the lower half down when the camera comes closer."""
    nearer, farther = frames_of(shoot("push in")), frames_of(shoot("pull out"))
    edge = WIDTH // 3

    def spread(frames: npt.NDArray[np.float64]) -> int:
        left = shift_between(frames[6][:, :edge], frames[16][:, :edge])[1]
        right = shift_between(frames[6][:, -edge:], frames[16][:, -edge:])[1]
        return right - left

    assert spread(nearer) > 8
    assert spread(farther) < -8


def test_a_film_plays_everywhere_and_from_its_first_bytes(shoot: Shoot) -> None:
    """Browsers want H.264 in yuv420p, with the index at the front."""
    film = shoot()
    said = subprocess.run(
        [get_ffmpeg_exe(), "-i", str(film)], capture_output=True, text=True, check=False
    ).stderr

    assert "Video: h264" in said
    assert "yuv420p" in said
    assert f"{WIDTH}x{HEIGHT}" in said
    assert film.read_bytes().find(b"moov") < film.read_bytes().find(b"mdat")


@pytest.mark.parametrize("size", [(101, 333), (1500, 400)])
def test_a_picture_of_any_shape_can_be_filmed(size: tuple[int, int], shoot: Shoot, tmp_path: Path) -> None:
    """H.264 wants even sides; people have pictures of all sizes, some with transparency."""
    picture = tmp_path / "odd.png"
    Image.radial_gradient("L").resize(size).convert("RGBA").save(picture)

    frames, _ = count_frames_and_secs(str(shoot(first_frame=picture)))

    assert frames == 24


def test_a_file_that_is_no_picture_is_refused_in_words(shoot: Shoot, tmp_path: Path) -> None:
    """The user must learn what is wrong, not that something is."""
    fake = tmp_path / "fake.png"
    fake.write_text("not a picture")

    with pytest.raises(AppError, match=r"[Pp]icture|[Ii]mage"):
        shoot(first_frame=fake)


def test_a_missing_first_frame_is_refused_in_words(client_of: Callable[[str], Client]) -> None:
    """A chain that hands on nothing must be told so."""
    client = client_of("alexnasa/ltx-2-TURBO")

    with pytest.raises(AppError, match="no first frame"):
        client.predict(first_frame=None, prompt="", duration=1, api_name="/generate_video")


@pytest.mark.parametrize("duration", [0, 11])
def test_a_duration_out_of_range_is_refused(duration: float, shoot: Shoot) -> None:
    """The range that the app describes is the range that it takes."""
    with pytest.raises(AppError):
        shoot(duration=duration)

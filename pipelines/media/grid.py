"""Several pictures beside and below each other in one."""

import math
from dataclasses import dataclass

import anyio.to_thread

from pipelines.media.coding import LARGEST, MP4_FILE, MP4_PICTURE, MP4_SOUND, framed, stamp
from pipelines.media.film import film_of
from pipelines.media.join import chosen_size
from pipelines.media.operation import Operation, Work, choice, needs, number, operation, option
from pipelines.media.pictures import Colour, colour, fitted, opened, save
from spaces_registry.network.bounds import find_bounds
from spaces_registry.signature import File, Kind, Value

_MOST_VIDEOS = 36


@dataclass(frozen=True, slots=True)
class Table:
    """Where cells of one size lie.

    Attributes:
        columns: cells beside each other.
        rows: cells below each other.
        width: of a cell, in pixels.
        height: of a cell, in pixels.
        gap: between two cells, in pixels.
    """

    columns: int
    rows: int
    width: int
    height: int
    gap: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole, in pixels."""
        return (
            self.columns * self.width + (self.columns - 1) * self.gap,
            self.rows * self.height + (self.rows - 1) * self.gap,
        )

    def place(self, index: int) -> tuple[int, int]:
        """Where a cell begins, counted row by row."""
        row, column = divmod(index, self.columns)
        return column * (self.width + self.gap), row * (self.height + self.gap)


def _table(work: Work, count: int, width: int, height: int) -> Table:
    columns = min(int(work.maybe("columns") or math.ceil(math.sqrt(count))), count)
    wide, high = chosen_size(work, width, height)
    return Table(columns, math.ceil(count / columns), wide, high, int(work.number("gap")))


async def _grid(work: Work) -> tuple[Value, ...]:
    images, background = work.files("images"), colour(work, "background")
    return (await anyio.to_thread.run_sync(_laid_out, work, images, background),)


def _laid_out(work: Work, files: tuple[File, ...], background: Colour) -> File:
    from PIL import Image  # noqa: PLC0415 - an extra, and slow to import

    first = opened(work, files[0])
    shrunk = min(1.0, LARGEST / max(first.size))
    table = _table(work, len(files), *(max(16, round(side * shrunk)) for side in first.size))
    width, height = table.size
    if width * height > find_bounds().pixels:
        message = f"{width}x{height} pixels are too many"
        raise work.refuse(message, hint="give a smaller size for the cells, such as 512x512")
    canvas = Image.new("RGBA", (width, height), background)
    for index, file in enumerate(files):
        image = opened(work, file).convert("RGBA")
        cell = fitted(image, table.width, table.height, work.word("fit"), background).convert("RGBA")
        canvas.alpha_composite(cell, table.place(index))
    return save(work, canvas if background[3] < 255 else canvas.convert("RGB"), "grid", "png", 90, background)  # noqa: PLR2004


async def _grid_video(work: Work) -> tuple[Value, ...]:
    videos, background = work.files("videos"), colour(work, "background")
    if len(videos) > _MOST_VIDEOS:
        raise work.refuse(f"{len(videos)} videos are too many", hint=f"give it at most {_MOST_VIDEOS}")
    films = [await film_of(work, one) for one in videos]
    table = _table(work, len(videos), *films[0].size)
    if max(table.size) > LARGEST:
        message = f"the whole would have {table.size[0]}x{table.size[1]} pixels"
        hint = f"each side takes at most {LARGEST}; give a smaller size for the cells, such as 480x270"
        raise work.refuse(message, hint=hint)
    lengths = [one.seconds for one in films]
    total = max(lengths) if work.word("length") == "longest" else min(lengths)
    fill = "0x{:02x}{:02x}{:02x}".format(*background[:3])
    cell = framed(table.width, table.height, work.word("fit"), fill)
    rate = films[0].rate
    ending = f"format=yuv420p,trim=end={stamp(total)}"
    graph = [
        f"{one.picture(n, rate=rate, over=fill, until=total)},{cell},{ending}[c{n}]"
        for n, one in enumerate(films)
    ]
    graph.append(_stacked(table, len(videos), fill, rate, total))
    heard = [n for n, one in enumerate(films) if one.measured.has_audio]
    if work.word("sound") == "first":
        heard = heard[:1]
    sound: tuple[str, ...] = ()
    if heard and work.word("sound") != "none":
        graph.append(_mixed([films[n].sound(n) for n in heard], total))
        sound = ("-map", "[a]", *MP4_SOUND)
    result = work.made("grid_video.mp4", "video/mp4")
    inputs = [one for film in films for one in film.source()]
    arguments = (*inputs, "-filter_complex", ";".join(graph), "-map", "[v]", *MP4_PICTURE, *sound)
    await work.ffmpeg().run((*arguments, *MP4_FILE, result.name), work.tell, seconds=total)
    return (result,)


def _stacked(table: Table, count: int, fill: str, rate: int, total: float) -> str:
    """The filters that lay the cells over a plain picture, made even at the right and at the bottom."""
    width, height = (side + side % 2 for side in table.size)
    graph = [f"color=c={fill}:s={width}x{height}:r={rate}:d={stamp(total)},format=yuv444p[g0]"]
    for n in range(count):
        x, y = table.place(n)
        graph.append(f"[g{n}][c{n}]overlay={x}:{y}:format=yuv444[g{n + 1}]")
    return ";".join([*graph, f"[g{count}]trim=end={stamp(total)},format=yuv420p[v]"])


def _mixed(heard: list[str], total: float) -> str:
    """The filters that make one sound of several, as long as the picture."""
    tracks = ";".join(f"{filters}[s{n}]" for n, filters in enumerate(heard))
    named = "".join(f"[s{n}]" for n in range(len(heard)))
    mix = f"amix=inputs={len(heard)}:duration=longest:normalize=0,alimiter=limit=0.97:level=disabled"
    return f"{tracks};{named}{mix},apad=whole_dur={stamp(total)},atrim=end={stamp(total)}[a]"


_CELLS = (
    number(
        "columns", "How many beside each other; as square as can be if left out", None, 1, 100, whole=True
    ),
    number("gap", "Pixels between two of them", 0, 0, 500, whole=True),
    option("size", Kind.TEXT, "Of one of them, like 640x360; the first one's if left out"),
    choice("fit", "Bars, cropping or distortion where the shapes differ", "contain", "cover", "stretch"),
)
GRID = operation(
    "grid",
    "Lay images out in rows and columns, in one image.",
    (
        needs("images", Kind.IMAGE, "Images, row by row", many=True),
        *_CELLS,
        option("background", Kind.TEXT, "Colour of gaps and bars; `transparent` is one", "black"),
    ),
    Kind.IMAGE,
    _grid,
)
GRID_VIDEO = operation(
    "grid_video",
    "Show videos in rows and columns, at once.",
    (
        needs("videos", Kind.VIDEO, "Videos, row by row", many=True),
        *_CELLS,
        option("background", Kind.TEXT, "Colour of gaps and bars", "black"),
        choice("length", "Whose length it has; one that is over holds its last frame", "longest", "shortest"),
        choice("sound", "Of the first that has some, of all, or of none", "first", "mix", "none"),
    ),
    Kind.VIDEO,
    _grid_video,
)
GRIDS: tuple[Operation, ...] = (GRID, GRID_VIDEO)

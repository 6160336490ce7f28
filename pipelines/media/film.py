"""A video as operations take it: what it shows, what it sounds like, and when.

Every operation that shows a video again goes through here, so that all of them see the same: pictures that
are turned and squared as the file says, of a rate at which no frame is lost, as bright as a standard screen,
and in step with their sound, whichever of the two begins late or ends early.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.artifacts.measures import Measures
from pipelines.media.coding import (
    HEARD,
    MP4_PICTURE,
    MP4_SOUND,
    evened,
    frame_rate,
    looked_at,
    pace,
    stamp,
    stereo,
)
from pipelines.media.operation import Work
from pipelines.programs.ffmpeg import SAME_BYTES, source
from spaces_registry.network.bounds import find_bounds
from spaces_registry.signature import File

BEFORE_S = 0.0005  # a seek lands on the first frame at or after its time; this far before is still that frame
_SPREAD = 2  # times as many frames as it holds may be made of a video of any length
_NOTICED_S = 0.1  # a sound that outlasts its picture by less is an encoder's padding
_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # ffmpeg's own know no transparency


@dataclass(frozen=True, slots=True)
class Film:
    """A video and its times, in seconds from where the file begins.

    Attributes:
        file: the file.
        measured: what its header tells.
        times: when each frame is shown.
        shown: when the picture ends.
        heard: when the sound ends; 0 where there is none.
    """

    file: File
    measured: Measures
    times: tuple[float, ...]
    shown: float
    heard: float

    @property
    def seconds(self) -> float:
        """How long it lasts: as long as its picture, or its sound where that goes on."""
        return self.heard if self.heard > self.shown + _NOTICED_S else self.shown

    @property
    def rate(self) -> int:
        """Whole frames a second for a result made of this."""
        return frame_rate(self.measured)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as shown, in pixels."""
        return self.measured.width or 2, self.measured.height or 2

    def before(self, moment: float) -> float:
        """Where to seek so that the frame that is shown at `moment` comes first; 0 for no seeking."""
        frame = max((one for one in self.times if one <= moment + BEFORE_S), default=0.0)
        return frame - BEFORE_S if frame > BEFORE_S else 0.0

    def source(self, *options: str, start: float = 0.0) -> tuple[str, ...]:
        """The arguments that make it an input, from the frame on that is shown at `start`."""
        codec, seek = self.measured.video_codec or "", self.before(start)
        decoder = ("-c:v", _DECODERS[codec]) if self.measured.alpha and codec in _DECODERS else ()
        sought = ("-ss", stamp(seek)) if seek else ()
        return source(self.file.path, *decoder, *sought, *options)

    def look(self, over: str | None = "black", label: str = "") -> tuple[str, ...]:
        """The filters that make of its frames what a person sees; see `looked_at`."""
        return looked_at(self.measured, over, label)

    def picture(
        self,
        number: int = 0,
        *,
        rate: float | None = None,
        over: str | None = "black",
        start: float = 0.0,
        until: float | None = None,
    ) -> str:
        """The filters that show it from `start` on; a first frame that comes late is shown from there, too.

        Args:
            number: which input it is.
            rate: frames a second; its own if None.
            over: the colour behind transparency; None keeps the transparency.
            start: the same as that of `source`.
            until: how long it is; what is missing is filled by its last frame. All that is left if None.
        """
        left, early = self.shown - start, start - self.before(start)
        shift = f"setpts=PTS-{stamp(early)}/TB," if start else ""
        if left <= 0:  # its last frame alone
            left, shift = 0.0, "setpts=PTS-STARTPTS,"
        steps = [
            f"[{number}:v:0]{shift}fps={rate or self.rate:g}:start_time=0",
            *self.look(over, str(number)),
        ]
        held = (self.seconds - start if until is None else until) - left
        if held > _NOTICED_S / 10:
            steps.append(f"tpad=stop_mode=clone:stop_duration={stamp(held)}")
        return ",".join(steps)

    def encoded(self, *, start: float = 0.0, until: float | None = None) -> str:
        """The filters that show it as H.264 takes it, ending in `[v]`; see `picture`."""
        return f"{self.picture(start=start, until=until)},{evened()}[v]"

    def sound(self, number: int = 0) -> str:
        """The filters that bring its sound to two channels from the file's beginning on."""
        return f"[{number}:a:0]{stereo(self.measured)}"

    def tracks(self, encoder: tuple[str, ...] = MP4_SOUND, layouts: str = "") -> tuple[str, ...]:
        """The arguments that encode its sound from the file's beginning on; none where there is none.

        Args:
            encoder: which, and how.
            layouts: those of loudspeakers that it knows, as ffmpeg names them; all if empty.
        """
        steps = f"{HEARD},aformat=channel_layouts={layouts}" if layouts else HEARD
        return ("-map", "0:a:0", "-af", steps, *encoder) if self.measured.has_audio else ()


async def one_turn(work: Work, film: Film, parts: Path, *, sounding: bool) -> Path:
    """A film as it is repeated: final as to its picture, and with a sound from its beginning to its end.

    What ffmpeg repeats by itself falls out of step where a track begins late, or is shorter than the other.
    """
    path = parts / "turn.mov"
    graph = film.encoded()
    tracks: tuple[str, ...] = ("-map", "[v]", *MP4_PICTURE, "-bf", "0")  # frames in order: cut at any of them
    if sounding and film.measured.has_audio:
        length = stamp(film.seconds)
        graph += f";[0:a:0]{HEARD},apad=whole_dur={length},atrim=end={length}[a]"
        tracks = (*tracks, "-map", "[a]", "-c:a", "pcm_s16le")
    arguments = (*film.source(), "-filter_complex", graph, *tracks, *SAME_BYTES, "-f", "mov")
    where = str(path.relative_to(work.folder))
    await work.ffmpeg().run((*arguments, where), work.tell, seconds=film.seconds, span=(0.0, 0.8))
    return path


async def sound_turn(work: Work, file: File, measured: Measures, parts: Path) -> Path:
    """A sound as it is repeated: the file itself, or what is heard of it where there is a picture as well."""
    if not measured.has_video:
        return file.path
    path = parts / "turn.wav"
    arguments = (*source(file.path), "-map", "0:a:0", "-af", HEARD, "-c:a", "pcm_s16le", *SAME_BYTES)
    where = str(path.relative_to(work.folder))
    await work.ffmpeg().run((*arguments, where), work.tell, seconds=0)
    return path


async def film_of(work: Work, file: File) -> Film:
    """Measure a video to its last frame.

    Raises:
        RejectedInput: it has no moving picture, cannot be decoded, or spreads few frames over a long time.
    """
    measured = await work.picture(file)
    frames = await work.packets(file, "v")
    times = tuple(one for one in frames.starts if one > -BEFORE_S) or (0.0,)  # edit lists hide earlier ones
    heard = await work.seconds(file, "a") if measured.has_audio else 0.0
    if not measured.steady:
        measured = replace(measured, fps=pace(times) or measured.fps, steady=True)
    film = Film(file, measured, times, frames.end, heard)
    count, most = round(film.seconds * film.rate), find_bounds().frames
    if count > max(most, _SPREAD * len(times)):
        shown = f"{len(times)} frame{'s' if len(times) > 1 else ''} over {film.seconds:,.0f} s"
        message = (
            f"{file.name!r} holds {shown}, which is {count:,} at {film.rate} a second, more than {most:,}"
        )
        hint = "give it a shorter one; SPACECHAIN_MAX_FRAMES raises the limit"
        raise work.refuse(message, hint=hint)
    return film

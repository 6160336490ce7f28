import pytest

from pipelines.media.cues import cues_of
from spaces_registry.errors import Crashed, RejectedInput
from spaces_registry.signature import File


@pytest.fixture
def text(tmp_path):
    """Writes a subtitle file with one line, shown from half a second on."""

    def write(line: str, name: str = "it's, a [text].srt") -> File:
        path = tmp_path / name
        path.write_text(f"1\n00:00:00,500 --> 00:00:01,000\n{line}\n", encoding="utf-8")
        return File(path, name)

    return write


def white(look, path, at):
    """How many of the lower half's pixels are bright in all colours."""
    crop = ["-vf", "crop=iw:ih/2:0:ih/2", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray"]
    return sum(level > 180 for level in look.decode(path, "-ss", str(at), after=crop))


def test_subtitles_stand_in_the_picture_at_their_time(perform, look, clips, text):
    """Many places show a film without its sound."""
    made = perform("subtitle", video=clips["red.mp4"], subtitles=text("WWWWWW"))

    assert white(look, made, 0.2) == 0
    assert white(look, made, 0.8) > 100


SIGNS = {
    "one": "Off we go \U0001f680",
    "a family": "We \U0001f468\u200d\U0001f469\u200d\U0001f467 here",
    "a flag": "\U0001f1e9\U0001f1ea Hallo",
    "a skin": "Hi \U0001f44b\U0001f3fd there",
    "a keycap": "1\ufe0f\u20e3 first",
    "a letter among many": "The word \U0001e900 is Fulani",
}


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("as_file", [False, True])
def test_a_sign_that_no_font_has_is_left_out_and_told(perform, look, clips, text, sign, as_file):
    """Emoji are drawn by no font that can be installed, and a film must not fail by one."""
    words = SIGNS[sign]
    given = {"subtitles": text(words)} if as_file else {"text": words}
    plain = "".join(one for one in words if one.isascii()).replace("  ", " ").strip()

    made = perform("subtitle", video=clips["red.mp4"], **given)
    without = perform("subtitle", video=clips["red.mp4"], text=plain)

    assert white(look, made, 0.8) == pytest.approx(white(look, without, 0.8), abs=6)
    assert white(look, made, 0.8) > 40
    assert any("left out" in getattr(one, "message", "") for one in perform.heard)


@pytest.mark.parametrize("form", [".srt", ".vtt"])
def test_subtitles_of_nothing_but_emoji_leave_the_film_as_it_is(perform, look, clips, tmp_path, form):
    """With a warning, and no boxes."""
    start = "WEBVTT\n\n00:00.000" if form == ".vtt" else "1\n00:00:00,000"
    (tmp_path / f"x{form}").write_text(f"{start} --> 00:00:01.000\n\U0001f680\n", encoding="utf-8")
    made = perform("subtitle", video=clips["red.mp4"], subtitles=File(tmp_path / f"x{form}", f"x{form}"))

    assert white(look, made, 0.5) == 0
    assert look.seconds(made, "v") == pytest.approx(1.0, abs=0.04)


def test_letters_without_a_font_fail_and_say_so(perform, clips, text):
    """A film with empty boxes looks finished and is not."""
    with pytest.raises(Crashed, match="no font") as caught:
        perform("subtitle", video=clips["red.mp4"], subtitles=text("\U0001e900"))

    assert "install a font" in caught.value.hint


def test_a_text_that_is_no_subtitles_is_refused(perform, clips, tmp_path):
    """With what it is, and what is wanted."""
    (tmp_path / "notes.srt").write_text("just notes")

    with pytest.raises(RejectedInput, match=r"'notes\.srt' is plain text"):
        perform("subtitle", video=clips["red.mp4"], subtitles=File(tmp_path / "notes.srt", "notes.srt"))


FORMS = {
    "hours of one digit": "1\n0:00:00,500 --> 0:00:01,000\nWWWWWW\n",
    "a delta of Python": "1\n0:00:00.500000 --> 0:00:01\nWWWWWW\n",
    "no hours": "1\n00:00,500 --> 00:01,000\nWWWWWW\n",
    "more blanks": "1 \n 00:00:00,500\t-->  00:00:01,000 \nWWWWWW\n",
    "hard blanks": "1\n00:00:00,500\u00a0-->\u00a000:00:01,000\nWWWWWW\n",
    "no blanks": "1\n00:00:00,500-->00:00:01,000\nWWWWWW\n",
    "points": "1\n00:00:00.500 --> 00:00:01.000\nWWWWWW\n",
    "carriage returns": "1\r00:00:00,500 --> 00:00:01,000\rWWWWWW\r",
    "line ends of Windows": "1\r\n00:00:00,500 --> 00:00:01,000\r\nWWWWWW\r\n",
    "blank lines": "\n\n1\n\n00:00:00,500 --> 00:00:01,000\n\nWWWWWW\n\n\n",
    "no numbers": "00:00:00,500 --> 00:00:01,000\nWWWWWW\n",
    "a place in the picture": "1\n00:00:00,500 --> 00:00:01,000 X1:40 X2:600 Y1:20 Y2:50\nWWWWWW\n",
    "WebVTT": "WEBVTT\n\nNOTE hidden\n\nfirst\n00:00.500 --> 00:01.000 align:center\nWWWWWW\n\nNOTE 2 WWW\n",
    "WebVTT with commas": "WEBVTT\n\n0:00:00,5 --> 0:00:01,0\nWWWWWW\n",
    "WebVTT with carriage returns": "WEBVTT\r\r00:00.500 --> 00:01.000\rWWWWWW\r",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_subtitles_are_read_in_the_forms_that_programs_write(perform, look, clips, tmp_path, form, encoding):
    """Transcribers write Python's times, editors of old write their own line ends."""
    (tmp_path / "lines").write_bytes(FORMS[form].encode(encoding))

    made = perform(
        "subtitle", video=clips["red.mp4"], subtitles=File(tmp_path / "lines", "lines"), mode="attach"
    )
    said = look.decode(made, after=["-map", "0:s:0", "-f", "srt"]).decode()

    assert said.split("\n")[:3] == ["1", "00:00:00,500 --> 00:00:01,000", "WWWWWW"]
    assert said.count("-->") == 1


# ruff: noqa: RUF001 - letters of many languages
LANGUAGES = {
    "cp1252": "L’été, où ça… déjà vu à l’œuvre",
    "cp1250": "Příliš žluťoučký kůň, zażółć",
    "cp1251": "Привет, как дела?",
    "koi8-r": "Привет, как дела?",
    "cp1253": "Καλημέρα κόσμε",
    "cp1254": "Günaydın, şey ağaç",
    "utf-16-le": "L’été déjà",
    "utf-16-be": "L’été déjà",
}


@pytest.mark.parametrize("encoding", LANGUAGES)
def test_subtitles_of_before_unicode_are_read_as_what_they_are(perform, look, clips, tmp_path, encoding):
    """Most subtitles on the web are in the encoding of the machine that they were written on."""
    words = LANGUAGES[encoding].removesuffix(", zażółć")
    (tmp_path / "old").write_bytes(f"1\n00:00:00,500 --> 00:00:01,000\n{words}\n".encode(encoding))

    made = perform("subtitle", video=clips["red.mp4"], subtitles=File(tmp_path / "old", "old"), mode="attach")

    assert words in look.decode(made, after=["-map", "0:s:0", "-f", "srt"]).decode()
    assert any(encoding in getattr(one, "message", "") for one in perform.heard)


@pytest.mark.parametrize(
    ("words", "encoding", "reads"),
    [
        ("řeka", "cp1250", r"may be cp1252 or cp1250"),
        ("你好，世界。今天天气很好", "gb18030", r"which encoding it is in cannot be told"),
        ("café", "mac-roman", r"which encoding it is in cannot be told"),
        ("café", "cp437", r"which encoding it is in cannot be told"),
    ],
)
def test_an_encoding_that_is_not_certain_is_asked_for(perform, clips, tmp_path, words, encoding, reads):
    """Wrong letters in a film look right to whoever cannot read them."""
    (tmp_path / "old").write_bytes(f"1\n00:00:00,500 --> 00:00:01,000\n{words}\n".encode(encoding))
    old = File(tmp_path / "old", "old.srt")

    with pytest.raises(RejectedInput, match=rf"'old\.srt' is not in UTF-8, and .*{reads}") as caught:
        perform("subtitle", video=clips["red.mp4"], subtitles=old)

    assert "`encoding: " in caught.value.hint


def test_subtitles_are_read_in_the_encoding_that_is_said(perform, look, clips, tmp_path):
    """Whoever knows it has the last word."""
    (tmp_path / "old").write_bytes("1\n00:00:00,500 --> 00:00:01,000\n你好\n".encode("gb18030"))
    old = File(tmp_path / "old", "old.srt")

    made = perform("subtitle", video=clips["red.mp4"], subtitles=old, encoding="gb18030", mode="attach")

    assert "你好" in look.decode(made, after=["-map", "0:s:0", "-f", "srt"]).decode()


@pytest.mark.parametrize("encoding", ["klingon", "hex"])
def test_an_encoding_that_there_is_not_is_refused(perform, clips, text, encoding):
    """Before a film is made without subtitles."""
    with pytest.raises(RejectedInput, match="which is none"):
        perform("subtitle", video=clips["red.mp4"], subtitles=text("x"), encoding=encoding)


@pytest.mark.parametrize("cue", ["1\n00:00:00,500 --> 00:00:01,000\n", "WEBVTT\n\n00:00.500 --> 00:01.000\n"])
@pytest.mark.parametrize("position", ["top", "middle", "bottom"])
def test_subtitles_stand_where_they_are_asked_for_and_in_the_centre(
    perform, look, clips, tmp_path, position, cue
):
    """Letters over a face, or over the film's own subtitles, spoil the picture."""
    name = f"lines{'.vtt' if cue.startswith('WEBVTT') else '.srt'}"
    (tmp_path / name).write_text(f"{cue}WWWWWW\n")

    words = File(tmp_path / name, name)
    made = perform("subtitle", video=clips["red.mp4"], subtitles=words, position=position)
    by_third = [bright(look, made, f"crop=iw:ih/3:0:{one}*ih/3") for one in range(3)]
    left, right = bright(look, made, "crop=iw/2:ih:0:0"), bright(look, made, "crop=iw/2:ih:iw/2:0")

    third = ["top", "middle", "bottom"].index(position)
    assert by_third[third] > 100
    assert sum(by_third) == by_third[third]
    assert abs(left - right) < 0.2 * (left + right)


def bright(look, path, crop):
    """How many pixels of that part of the picture are bright while the line is shown."""
    picture = ["-vf", crop, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray"]
    return sum(level > 180 for level in look.decode(path, "-ss", "0.8", after=picture))


def test_a_text_is_spread_over_the_whole_length(perform, look, clips):
    """A narration's words are known; nobody wants to time them by hand."""
    made = perform("subtitle", video=clips["brighter.mp4"], text="One.\nTwo two two.", mode="attach")
    said = look.decode(made, after=["-map", "0:s:0", "-f", "srt"]).decode()

    assert [
        line for line in said.splitlines() if line.strip().isalpha() or "two" in line or "One" in line
    ] == [
        "One.",
        "Two two two.",
    ]
    assert "00:00:00,000 --> 00:00:00,500" in said
    assert "00:00:00,500 --> 00:00:02,000" in said


def test_a_text_in_the_picture_changes_with_the_time(perform, look, clips):
    """Sentence by sentence, of one line."""
    made = perform("subtitle", video=clips["red.mp4"], text="MM. WWWWWWWWWW")

    assert 0 < white(look, made, 0.05) < white(look, made, 0.8)


@pytest.mark.parametrize("words", ["{WWWW}", "<i>", r"{\an8}WWWW"])
def test_a_text_is_written_as_it_stands(perform, look, clips, words):
    """Braces and angles are letters in a text, and must not swallow what somebody wrote."""
    plain = words.translate(str.maketrans(dict.fromkeys("{}<>\\", "M")))

    shown = white(look, perform("subtitle", video=clips["red.mp4"], text=words), 0.5)
    as_long = white(look, perform("subtitle", video=clips["red.mp4"], text=plain), 0.5)

    assert shown > 0.4 * as_long


def test_attached_subtitles_leave_the_picture_as_it_is(perform, look, clips, text):
    """They are a track that a player shows or not, and H.264 is not encoded again."""
    made = perform("subtitle", video=clips["blue.mp4"], subtitles=text("WWWWWW"), mode="attach")

    assert white(look, made, 0.8) == 0
    assert look.measures(made).has_audio
    assert b"WWWWWW" in look.decode(made, after=["-map", "0:s:0", "-f", "srt"])


@pytest.mark.parametrize(
    ("given", "words"), [({}, "neither text nor subtitles"), ({"text": " \n "}, "text is empty")]
)
def test_subtitles_of_nothing_are_refused(perform, clips, given, words):
    """A film that comes back as it went in would pass for one with subtitles."""
    with pytest.raises(RejectedInput, match=words):
        perform("subtitle", video=clips["red.mp4"], **given)


def test_long_texts_are_cut_where_they_can_be_read():
    """Two lines at most are shown at once, cut between words where there are any."""
    cues = cues_of("word " * 100)

    assert " ".join(cues) == ("word " * 100).strip()
    assert max(map(len, cues)) <= 90
    assert max(map(len, cues_of("字" * 400))) <= 126

import pytest

from chains.loader import loads
from pipelines.media.literals import media_problems


def said(tmp_path, step):
    """What is wrong with one media step, as its column and words."""
    chain = loads(f"steps:\n  x: {step}\n", folder=tmp_path)
    return [(one.at.line, one.message) for one in media_problems(chain)]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{media: still, with: {image: a.png, size: 99999x1}}", "`size` of step `x` cannot be '99999x1'"),
        ("{media: slideshow, with: {images: []}}", "`images` of step `x` is an empty list"),
        ("{media: still, with: {image: a.png, background: blurple}}", "is no colour: 'blurple'"),
        ("{media: crop, with: {image: a.png, aspect: wide}}", "`aspect` of step `x` cannot be 'wide'"),
        ("{media: crop, with: {image: a.png}}", "has none of `aspect`, `width`, `height`"),
        ("{media: resize, with: {image: a.png}}", "has none of `width`, `height`"),
        ("{media: trim, with: {video: a.mp4, end: 3, seconds: 2}}", "has `end` and `seconds`"),
        ("{media: trim, with: {video: a.mp4, start: 3, end: 2}}", "not after its start (3 s)"),
        ("{media: thumbnail, with: {video: a.mp4, at: begin}}", "is no time: 'begin'"),
        ("{media: thumbnail, with: {video: a.mp4, at: -1}}", "is no time: -1"),
        ("{media: frames, with: {video: a.mp4, nth: 3, count: 2}}", "has `nth` and `count`"),
        ("{media: frames, with: {video: a.mp4, at: []}}", "`at` of step `x` is an empty list"),
        ("{media: loop, with: {video: a.mp4, seconds: 3, times: 2}}", "has `seconds` and `times`"),
        ("{media: subtitle, with: {video: a.mp4}}", "has none of `subtitles`, `text`"),
        ("{media: subtitle, with: {video: a.mp4, text: ' '}}", "`text` of step `x` is empty"),
    ],
)
def test_what_an_operation_would_refuse_is_found_before_it_runs(tmp_path, step, words):
    """A minute of waiting for a Space before it would be lost."""
    ((line, message),) = said(tmp_path, step)

    assert line == 2
    assert words in message


@pytest.mark.parametrize(
    "step",
    [
        "{media: still, with: {image: a.png, size: 640 x 360, background: '#abc'}}",
        "{media: still, with: {image: a.png, background: navy}}",
        "{media: trim, with: {video: a.mp4, start: 1, end: 2, seconds: null}}",
        "{media: thumbnail, with: {video: a.mp4, at: 0.5}}",
        "{media: thumbnail, with: {video: a.mp4}}",
        "{media: crop, with: {image: a.png, aspect: '16:9', width: 100}}",
        "{media: subtitle, with: {video: a.mp4, text: hello, size: 20}}",
    ],
)
def test_what_is_right_is_left_alone(tmp_path, step):
    """A check that cries wolf is switched off."""
    assert said(tmp_path, step) == []

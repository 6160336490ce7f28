"""The story this is all for: four of five places cannot do it, each in its own way; the result is made."""

import html
import time

import pytest
from conftest import calls_of
from hub_standin import ListedSpace, hub_standin
from web import Answer, Asked, say, web

QUOTA = (
    "You have exceeded your free ZeroGPU quota (60s requested vs. 3s left). Try again in 1:23:45. "
    "Subscribe to Hugging Face PRO to get 40 min of ZeroGPU quota a day"
)
LOADING = say({"error": "Model studio/painter is currently loading", "estimated_time": 180.0}, 503)
THROTTLED = say({"detail": "Request was throttled."}, 429, Retry_After="3600")
BOUND_S = 20.0  # no wait of the policy is needed: every place says at once that it will take long

VENDOR = """
name: vendor
about: A vendor of pictures
home: https://vendor.example
url: SITE
endpoints:
  paint:
    about: A picture from words
    takes: {prompt: text}
    path: /paint
    json: {prompt: $prompt}
    gives: {picture: {kind: image, from: picture}}
"""

CHAIN = """
steps:
  it:
    space: studio/paused
    endpoint: /paint
    with: {colour: red-blue}
    fallback:
      - space: studio/quota
        endpoint: /refuse_to_paint
        with: {words: "QUOTA", title: ZeroGPU quota exceeded}
      - {model: PROVIDER, task: text-to-image, with: {prompt: red and blue}}
      - {service: ./vendor.yaml, with: {prompt: red and blue}}
      - {space: studio/works, endpoint: /paint, with: {colour: red-blue, width: 64}}
  film: {media: still, with: {image: $it.image, seconds: 0.5, fps: 10}}
outputs: {film: $film.video}
"""


def always(answer: Answer):
    """A server with one answer."""

    def answered(_: Asked) -> Answer:
        return answer

    return answered


@pytest.fixture
def five(actor, tmp_path, monkeypatch):
    """The five places: two Spaces of the Hub that cannot, a provider, a vendor, and a Space that can."""
    spaces = {
        "studio/paused": ListedSpace(actor.url, stages=["PAUSED"]),
        "studio/quota": ListedSpace(actor.url, hardware="zero-a10g"),
        "studio/works": ListedSpace(actor.url),
    }
    with hub_standin(spaces) as hub, web(always(LOADING)) as provider, web(always(THROTTLED)) as vendor:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        (tmp_path / "vendor.yaml").write_text(VENDOR.replace("SITE", vendor.url))
        yield {"QUOTA": QUOTA, "PROVIDER": f"{provider.url}/generate"}


def test_a_result_is_made_although_four_of_five_places_cannot(run, five, actor):
    """Nobody who wants a film wants to know about quotas; but whoever asks must be told all of it."""
    before, started = calls_of(actor, "paint"), time.monotonic()
    done = run(CHAIN, five)

    step = done.to_json()["steps"]["it"]
    assert done.ok
    assert done.outputs["film"].mime == "video/mp4"
    assert step["via"] == "studio/works"
    assert step["attempts"] == 5
    told = [(one["class"], one["then"], one["wait_s"]) for one in step["story"]]
    assert told == [
        ("paused", "fall-back", None),
        ("out-of-quota", "fall-back", 5025.0),
        ("building", "fall-back", 180.0),
        ("rate-limited", "fall-back", 3600.0),
    ]
    assert "PAUSED" in step["story"][0]["said"]
    assert step["story"][1]["said"] == QUOTA
    assert "currently loading" in step["story"][2]["said"]
    assert step["story"][3]["said"] == "Request was throttled."
    page = (done.folder / "report.html").read_text(encoding="utf-8")
    assert all(html.escape(one["said"].removeprefix("studio/paused: ")) in page for one in step["story"])
    assert all(f"{one['via']}: {one['class']}" in page for one in step["story"])
    assert calls_of(actor, "paint") == before + 1
    assert time.monotonic() - started < BOUND_S


def test_without_the_last_place_the_run_is_blocked_until_the_first_one_opens(run, five):
    """A run that can go on in five minutes is no failed run."""
    head, _, _ = CHAIN.partition("      - {space: studio/works")
    done = run(f"{head}outputs: {{picture: $it.image}}\n", five)

    assert done.status == "blocked"
    assert done.ready_at is not None
    assert 100 < done.ready_at.timestamp() - time.time() <= 180

"""The Hub's semantic search: what is asked, what its answers mean, and what happens when it refuses."""

from pathlib import Path

import pytest
from hub_standin import TOKEN, ListedSpace, hub_standin
from leaks import SecretMaker
from web import Answer, Web, page, say, web

from spaces_registry import BadQuery, CallFailed, Query, ToolkitError, UnknownCategory, categories
from spaces_registry.errors import BadOutput, RateLimited, RejectedInput, Unauthorized, Unreachable
from spaces_registry.hub.answers import Answers
from spaces_registry.hub.hub import Hub
from spaces_registry.hub.search import Hit, read_hit, search
from spaces_registry.progress import CallEvent, Logged

pytestmark = pytest.mark.anyio
SPACES = {
    "acme/draw": ListedSpace("http://127.0.0.1:9", relevance=0.9, likes=378, about="Draws", title="Draw it"),
    "acme/paint": ListedSpace("http://127.0.0.1:9", relevance=0.4, tags=("mcp-server",)),
    "acme/asleep": ListedSpace("http://127.0.0.1:9", stages=["SLEEPING"], relevance=0.8),
    "acme/speak": ListedSpace("http://127.0.0.1:9", relevance=0.7, category="Speech Synthesis"),
}


async def ids(hub: Web, query: Query, answers: Answers | None = None) -> list[str]:
    """What a search finds."""
    found = await search(Hub(endpoint=hub.url), query, answers or Answers())
    return [one.listing.id for one in found]


async def test_a_search_asks_as_the_hub_wants_to_be_asked() -> None:
    """A parameter of another name would be ignored in silence."""
    with hub_standin(SPACES) as hub:
        first = await ids(hub, Query("draw a cat", tags=("a", "b"), with_idle=True))
        second = await ids(hub, Query("draw a cat", category="Image Generation"))

    assert hub.asked[0].path == "/api/spaces/semantic-search"
    assert hub.asked[0].query == "q=draw+a+cat&sdk=gradio&filter=a&filter=b&includeNonRunning=true"
    assert hub.asked[1].query == "q=draw+a+cat&category=image-generation&sdk=gradio"
    assert (first, second) == ([], ["acme/draw", "acme/paint"])


async def test_spaces_that_do_not_run_are_found_only_when_asked_for() -> None:
    """Most Spaces of the Hub do not run."""
    with hub_standin(SPACES) as hub:
        running = await ids(hub, Query("draw a cat"))
        all_of_them = await ids(hub, Query("draw a cat", with_idle=True))

    assert running == ["acme/draw", "acme/speak", "acme/paint"]
    assert all_of_them == ["acme/draw", "acme/asleep", "acme/speak", "acme/paint"]


async def test_every_category_is_taken_by_the_hub_and_has_a_line_of_help() -> None:
    """The list is the Hub's; a slug that it does not know is refused."""
    with hub_standin(SPACES) as hub:
        for slug in categories():
            await ids(hub, Query(category=slug))

    assert len(categories()) == 38
    assert all(one.help and one.label for one in categories().values())


@pytest.mark.parametrize(
    ("query", "kind", "hint"),
    [
        (Query(category="voice-clonning"), UnknownCategory, "did you mean 'voice-cloning'?"),
        (Query(category="text-to-speech"), UnknownCategory, "--categories"),
        (Query("x" * 251), BadQuery, "fewer words"),
        (Query("  "), BadQuery, "category"),
    ],
)
async def test_what_the_hub_would_refuse_is_refused_before_it_is_asked(
    query: Query, kind: type[ToolkitError], hint: str
) -> None:
    """The Hub's own answer names neither the slug nor the limit."""
    with hub_standin(SPACES) as hub:
        with pytest.raises(kind) as refused:
            await ids(hub, query)

        assert hint in (refused.value.hint or "")
        assert not hub.asked


def test_a_hit_is_read_field_by_field() -> None:
    """Host and revision stand in its runtime; a label stands for the slug."""
    runtime = {
        "stage": "RUNNING",
        "hardware": {"current": "zero-a10g", "requested": "zero-a10g"},
        "domains": [
            {"domain": "art.example.com", "stage": "READY"},
            {"domain": "acme-draw.hf.space", "stage": "READY"},
        ],
        "sha": "36a6",
    }
    hit = read_hit(
        {
            "id": "acme/draw",
            "likes": 378,
            "sdk": "gradio",
            "runtime": runtime,
            "title": "Draw",
            "shortDescription": "its own",
            "ai_short_description": "Draws",
            "ai_category": "Image Generation",
            "trendingScore": 3.5,
            "semanticRelevancyScore": 0.91,
        }
    )

    assert hit is not None
    assert (hit.relevance, hit.category, hit.listing.about) == (0.91, "image-generation", "Draws")
    assert hit.listing.url == "https://acme-draw.hf.space"
    assert (hit.listing.revision, hit.listing.hardware, hit.listing.likes) == ("36a6", "zero-a10g", 378)


@pytest.mark.parametrize(
    "data", [None, [], {"id": 3}, {"id": "no-owner"}, {"id": "a/b", "runtime": [], "likes": "x"}]
)
def test_an_odd_hit_is_left_out_or_read_as_far_as_it_goes(data: object) -> None:
    """One broken entry must not cost the other ninety-nine."""
    found = read_hit(data)

    assert found is None or (
        found.listing.id == "a/b" and isinstance(found, Hit) and found.listing.likes == 0
    )


async def test_an_answer_holds_for_minutes_also_for_the_next_process(tmp_path: Path) -> None:
    """The same search in a loop of runs must not use up the Hub's patience; next hour it is asked anew."""
    time = [1000.0]
    with hub_standin(SPACES) as hub:
        first = await ids(hub, Query("draw a cat"), Answers(tmp_path, now=lambda: time[0]))
        [entry] = (tmp_path / "answers").iterdir()
        time[0] += 250
        second = await ids(hub, Query("draw a cat"), Answers(tmp_path, now=lambda: time[0]))
        asked_within = len(hub.asked)
        time[0] += 100
        await ids(hub, Query("draw a cat"), Answers(tmp_path, now=lambda: time[0]))
        entry.write_text("{half of it", "utf-8")
        await ids(hub, Query("draw a cat"), Answers(tmp_path, now=lambda: time[0]))

    assert first == second
    assert asked_within == 1
    assert len(hub.asked) == 3


async def test_a_visitor_and_a_member_do_not_share_answers(tmp_path: Path) -> None:
    """A private Space must not show up once the user has logged out."""
    spaces = {"acme/secret": ListedSpace("http://127.0.0.1:9", is_private=True)}
    with hub_standin(spaces) as hub:
        member = await search(Hub(TOKEN, hub.url), Query("draw a cat"), Answers(tmp_path))
        visitor = await search(Hub(None, hub.url), Query("draw a cat"), Answers(tmp_path))

    assert [one.listing.id for one in member] == ["acme/secret"]
    assert visitor == ()
    assert not any(TOKEN in one.read_text("utf-8") for one in (tmp_path / "answers").iterdir())


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (say({"error": "slow down"}, 429, Retry_After="0"), "counts too many requests; waiting 0 s"),
        (
            say({"error": "slow down"}, 429, RateLimit='"api";r=0;t=0'),
            "counts too many requests; waiting 0 s",
        ),
        (page("Bad Gateway", 502), "is not ready; waiting 1 s"),
    ],
)
async def test_a_wait_that_the_hub_asks_for_is_told_and_kept(refusal: Answer, words: str) -> None:
    """Whoever sits in front of it must know why nothing happens."""
    heard: list[CallEvent] = []
    with hub_standin(SPACES, refusals=[refusal]) as hub:
        found = await search(Hub(endpoint=hub.url), Query("draw a cat"), Answers(), tell=heard.append)

    assert len(found) == 3
    assert len(hub.asked) == 2
    assert [isinstance(one, Logged) and words in one.message for one in heard] == [True]


@pytest.mark.parametrize(
    ("refusals", "kind", "words"),
    [
        ([say({}, 429, RateLimit='"api";r=0;t=900')], RateLimited, "too many requests"),
        ([say({}, 429, Retry_After="0")] * 3, RateLimited, "too many requests"),
        ([say({"error": "Invalid query"}, 400)], RejectedInput, "Invalid query"),
        ([say({"error": "no"}, 403)], Unauthorized, "does not accept the token"),
        ([say({"error": "gone"}, 404)], Unreachable, "HTTP 404"),
        ([page("Welcome to our network")], BadOutput, "something else than JSON"),
        ([say({"spaces": []})], BadOutput, "something else than a list"),
    ],
)
async def test_a_refusal_has_its_class(refusals: list[Answer], kind: type[CallFailed], words: str) -> None:
    """Waiting, logging in and saying it otherwise are different ways out."""
    with hub_standin(SPACES, refusals=refusals) as hub, pytest.raises(CallFailed, match=words) as failed:
        await ids(hub, Query("draw a cat"))

    assert type(failed.value) is kind
    assert failed.value.place == "the Hub"


async def test_a_bad_token_is_named_and_never_shown(secret: SecretMaker) -> None:
    """The message goes into logs."""
    refused = pytest.raises(Unauthorized, match="does not accept the token")
    with hub_standin(SPACES) as hub, refused as failed:
        await search(Hub(secret("wrong"), hub.url), Query("draw a cat"), Answers())

    assert secret("wrong") not in f"{failed.value!r} {failed.value.said} {failed.value.hint}"


async def test_the_token_goes_to_the_hub_and_no_further() -> None:
    """A Hub that redirects elsewhere must not carry the token there."""
    with web(lambda _: say([])) as elsewhere:
        moved = Answer(status=302, headers={"location": f"{elsewhere.url}/list"})
        with hub_standin(SPACES, refusals=[moved]) as hub:
            await search(Hub(TOKEN, hub.url), Query("draw a cat"), Answers())

    assert hub.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert len(elsewhere.asked) == 1
    assert "authorization" not in elsewhere.asked[0].headers


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://[", "hub.example"])
async def test_no_hub_is_one_line(endpoint: str) -> None:
    """Also where `HF_ENDPOINT` is no address at all."""
    with pytest.raises(Unreachable, match="the Hub cannot be reached") as failed:
        await search(Hub(endpoint=endpoint), Query("draw a cat"), Answers())

    assert "\n" not in failed.value.message

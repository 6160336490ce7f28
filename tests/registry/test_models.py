"""What Inference Providers serve: the Hub's list, with the chat router's prices."""

from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from hub_standin import TOKEN, ListedModel, hub_standin
from web import Web, say

from spaces_registry.errors import RateLimited
from spaces_registry.hub.answers import Answers
from spaces_registry.hub.hub import Hub
from spaces_registry.hub.models import Offer, ServedModel, UnknownTask, read_model, read_routed, served_models

pytestmark = pytest.mark.anyio
CHAT = {"context_length": 131072, "pricing": {"input": 0.1, "output": 0.4}, "supports_tools": True}
MODELS = {
    "black-forest-labs/FLUX.1-schnell": ListedModel("text-to-image", ("fal-ai", "nebius"), likes=7),
    "acme/chat": ListedModel("text-generation", ("groq", "novita"), chat={"groq": CHAT, "novita": {}}),
}


@pytest.fixture
def hub() -> Iterator[Web]:
    """A Hub that is its own router."""
    with hub_standin({}, models=MODELS) as served:
        yield served


async def test_models_are_asked_for_as_the_hub_wants(hub: Web) -> None:
    """A parameter of another name would be ignored in silence."""
    found = await served_models(Hub(TOKEN, hub.url), Answers(), task="text-to-image", words="flux.1", limit=5)

    assert hub.asked[0].path == "/api/models"
    assert hub.asked[0].query == (
        "inference_provider=all&limit=5&expand=inferenceProviderMapping&expand=pipeline_tag&expand=likes"
        "&search=flux.1&pipeline_tag=text-to-image"
    )
    [model] = found.models
    assert (model.id, model.task, model.likes) == ("black-forest-labs/FLUX.1-schnell", "text-to-image", 7)
    assert [one.provider for one in model.offers] == ["fal-ai", "nebius"]
    assert len(hub.asked) == 1


@pytest.mark.parametrize(
    ("words", "search"),
    [
        ("flux", "flux"),
        ("Qwen", "Qwen"),
        ("llama", "llama"),
        ("sd3", "stabilityai/stable-diffusion-3.5-large"),
    ],
)
async def test_an_alias_hides_no_model_that_has_it_in_its_name(hub: Web, words: str, search: str) -> None:
    """Who asks for llama wants to see all of them; only what no name could have stands for one model."""
    await served_models(Hub(None, hub.url), Answers(), words=words, router=hub.url)

    assert parse_qs(hub.asked[0].query)["search"] == [search]


async def test_chat_models_come_with_prices_and_context_lengths(hub: Web) -> None:
    """What a long prompt costs is told before it is paid; the router needs no token, and gets none."""
    found = await served_models(Hub(TOKEN, hub.url), Answers(), task="text-generation", router=hub.url)

    assert found.models[0].offers == (
        Offer("groq", "live", "text-generation", 131072, 0.1, 0.4, served_id="groq/x"),
        Offer("novita", "live", "text-generation", served_id="novita/x"),
    )
    assert "authorization" in hub.asked[0].headers
    assert hub.asked[1].path == "/v1/models"
    assert "authorization" not in hub.asked[1].headers


async def test_the_router_can_be_named_by_the_environment(hub: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another gateway of the same shape."""
    monkeypatch.setenv("SPACECHAIN_ROUTER", f"{hub.url}/")

    found = await served_models(Hub(None, hub.url), Answers(), words="chat")

    assert found.models[0].offers[0].usd_out == 0.4


async def test_a_router_that_is_away_costs_only_the_prices(hub: Web) -> None:
    """The list is worth more than what is missing in it."""
    found = await served_models(
        Hub(None, hub.url), Answers(), task="text-generation", router="http://127.0.0.1:9"
    )

    assert [one.id for one in found.models] == ["acme/chat"]
    assert "prices and context lengths are missing" in found.remarks[0]


@pytest.mark.parametrize(("words", "task"), [("flux", None), ("", "text-to-image")])
async def test_without_a_hub_the_catalog_answers_and_says_so(words: str, task: str | None) -> None:
    """Known models, and no word of who serves them."""
    found = await served_models(Hub(None, "http://127.0.0.1:9"), Answers(), words=words, task=task)

    assert "black-forest-labs/FLUX.1-dev" in [one.id for one in found.models]
    assert not any(one.offers for one in found.models)
    assert "may not be served now" in found.remarks[0]


async def test_an_unknown_task_is_refused_with_the_nearest(hub: Web) -> None:
    """The Hub would answer with an empty list."""
    with pytest.raises(UnknownTask) as refused:
        await served_models(Hub(None, hub.url), Answers(), task="text-to-picture")

    assert "text-to-" in (refused.value.hint or "")
    assert not hub.asked


async def test_a_limit_that_does_not_relent_leads_to_the_catalog() -> None:
    """And says that this is the reason."""
    with hub_standin({}, refusals=[say({}, 429, Retry_After="0")] * 3) as hub:
        found = await served_models(Hub(None, hub.url), Answers(), words="flux")

    assert "too many requests" in found.remarks[0]
    assert RateLimited.code == "rate-limited"


def test_both_forms_of_the_mapping_are_read() -> None:
    """A list in lists, an object in a model's own record."""
    listed = [{"provider": "fal-ai", "providerId": "x", "status": "live", "task": "text-to-image"}]
    record = {"fal-ai": {"providerId": "x", "status": "live", "task": "text-to-image"}}
    expected = ServedModel("a/b", "text-to-image", (Offer("fal-ai", "live", "text-to-image", served_id="x"),))

    assert read_model({"id": "a/b", "inferenceProviderMapping": listed}) == expected
    assert read_model({"id": "a/b", "inferenceProviderMapping": record}) == expected


@pytest.mark.parametrize("data", [None, {}, {"id": 3}, {"id": "a/b", "providers": [None, {"provider": 1}]}])
def test_an_odd_entry_is_left_out_or_read_as_far_as_it_goes(data: object) -> None:
    """One broken entry must not cost the others."""
    assert read_model(data) in (None, ServedModel("a/b", None))
    assert read_routed(data) in (None, ServedModel("a/b", "text-generation"))

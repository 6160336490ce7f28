"""The Hub that tests have in place of the real one: the official client must find every field it reads."""

from collections.abc import Iterator

import pytest
from hub_standin import TOKEN, ListedModel, ListedSpace, hub_standin
from huggingface_hub import HfApi
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RepositoryNotFoundError
from web import Web

SPACES = {
    "acme/My.Draw_er": ListedSpace("http://127.0.0.1:9", hardware="zero-a10g", likes=12, tags=("art",)),
    "acme/paused": ListedSpace("http://127.0.0.1:9", ["PAUSED"], complaint="flagged"),
    "acme/secret": ListedSpace("http://127.0.0.1:9", is_private=True),
}
MODELS = {"acme/paint": ListedModel("text-to-image", ("fal-ai", "replicate"))}
EMPTY = {"resource_group", "emoji"}  # what the Hub itself leaves out of most records


@pytest.fixture
def hub() -> Iterator[Web]:
    """The stand-in."""
    with hub_standin(SPACES, models=MODELS) as served:
        yield served


def test_a_record_has_every_field_that_the_client_reads(hub: Web) -> None:
    """A field that only the real Hub sends would be read by code that no test has run."""
    info = HfApi(hub.url, token=False).space_info("acme/My.Draw_er")

    assert {name for name, value in vars(info).items() if value is None} <= EMPTY
    assert (info.host, info.subdomain) == ("http://127.0.0.1:9", "acme-my-draw-er")
    assert info.card_data.sdk_version == "6.31.0"
    assert info.runtime.raw["sha"] == info.sha


def test_an_expanded_record_has_what_was_asked_for_and_no_host(hub: Web) -> None:
    """`host` cannot be expanded; code that trusts it to come along would work here alone."""
    api = HfApi(hub.url, token=False)
    info = api.space_info("acme/My.Draw_er", expand=["subdomain", "runtime"])

    assert (info.host, info.sdk, info.subdomain) == (None, None, "acme-my-draw-er")
    assert info.runtime.stage == "RUNNING"
    with pytest.raises((BadRequestError, HfHubHTTPError)):
        api.space_info("acme/My.Draw_er", expand=["host"])


def test_a_runtime_is_read_with_its_complaint(hub: Web) -> None:
    """The Hub's words about a Space that was stopped are in no field of the client's."""
    runtime = HfApi(hub.url, token=False).get_space_runtime("acme/paused")

    assert (runtime.stage, runtime.hardware, runtime.requested_hardware) == (
        "PAUSED",
        "cpu-basic",
        "cpu-basic",
    )
    assert runtime.sleep_time == 172800
    assert runtime.raw["errorMessage"] == "flagged"


def test_a_hit_has_every_field_that_the_client_reads(hub: Web) -> None:
    """And no more of a Space than a search shows: neither card nor host."""
    [hit] = HfApi(hub.url, token=False).search_spaces("draw a cat", filter="art", sdk="gradio")

    assert {name for name, value in vars(hit).items() if value is None} == set()
    assert (hit.id, hit.semantic_relevancy_score, hit.trending_score) == ("acme/My.Draw_er", 0.5, 3.5)


def test_missing_and_private_look_alike_to_a_visitor(hub: Web) -> None:
    """As on the Hub: what one may not see is not there."""
    for repo in ("acme/secret", "acme/none"):
        with pytest.raises(RepositoryNotFoundError) as refused:
            HfApi(hub.url, token=False).space_info(repo)
        assert refused.value.response.status_code == 401
        assert refused.value.response.headers["ratelimit"] == '"api";r=499;t=55'
    with pytest.raises(RepositoryNotFoundError) as gone:
        HfApi(hub.url, token=TOKEN).space_info("acme/none")

    assert gone.value.response.status_code == 404
    assert HfApi(hub.url, token=TOKEN).space_info("acme/secret").private


def test_models_are_mapped_in_both_of_the_hubs_forms(hub: Web) -> None:
    """A list of providers in a list, an object in a model's own record."""
    api = HfApi(hub.url, token=False)
    [listed] = api.list_models(inference_provider="all", expand=["inferenceProviderMapping"], limit=5)
    own = api.model_info("acme/paint", expand=["inferenceProviderMapping"])

    for one in (listed, own):
        offers = [(offer.provider, offer.task, offer.status) for offer in one.inference_provider_mapping]
        assert offers == [(name, "text-to-image", "live") for name in ("fal-ai", "replicate")]


def test_who_one_is_and_what_is_left_of_the_quota(hub: Web) -> None:
    """Of the right token; another one is refused in the Hub's words."""
    api = HfApi(hub.url, token=TOKEN)

    assert (api.whoami()["name"], api.get_zero_gpu_quota().remaining) == ("ada", 210)
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        HfApi(hub.url, token=f"not {TOKEN}").whoami()

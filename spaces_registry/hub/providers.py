"""Who serves models: the providers that `huggingface_hub` knows, their own keys, what of a model they serve.

The table is written out, so that a chain can be checked without importing the client; a test compares it with
the installed one.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from spaces_registry.catalogue import known_models
from spaces_registry.errors import BadOutput, Missing, ToolkitError, nearest
from spaces_registry.hub.answers import Answers
from spaces_registry.hub.hub import Hub
from spaces_registry.hub.models import Offer, ServedModel, read_model
from spaces_registry.hub.task import CHAT, TEXT_GENERATION, Task
from spaces_registry.hub.tasks import TASKS
from spaces_registry.progress import Listener, unheard

AUTO = "auto"
HF_INFERENCE = "hf-inference"
_LANGUAGE = frozenset({CHAT, TEXT_GENERATION})


class UnknownProvider(ToolkitError):
    """There is no provider of that name."""

    code = "unknown-provider"

    def __init__(self, name: str) -> None:
        hint = nearest(name, [AUTO, *PROVIDERS])
        every = f"providers: {', '.join([AUTO, *PROVIDERS])}"
        super().__init__(
            f"there is no provider {name!r}", hint=hint if hint and hint.startswith("did") else every
        )
        self.name = name


@dataclass(frozen=True, slots=True)
class Provider:
    """One that serves models.

    Attributes:
        name: as the Hub writes it.
        hosts: its own addresses, where its own key goes; a Hugging Face token never does.
        tasks: what the client can ask it to do.
        keys: environment variables in which its users keep its key, the usual one first.
    """

    name: str
    hosts: tuple[str, ...]
    tasks: frozenset[str]
    keys: tuple[str, ...] = ()

    def key(self, environment: Mapping[str, str] | None = None) -> str | None:
        """The user's own key for it, if one is set; one that begins like a Hugging Face token is none."""
        values = os.environ if environment is None else environment
        for name in self.keys:
            if (key := values.get(name, "").strip()) and not key.startswith("hf_"):
                return key
        return None


def provider_named(name: str) -> Provider | None:
    """The provider of that name, or None for `auto`.

    Raises:
        UnknownProvider: there is none; the hint names the nearest.
    """
    plain = name.strip().lower()
    if plain == AUTO:
        return None
    if plain not in PROVIDERS:
        raise UnknownProvider(name)
    return PROVIDERS[plain]


async def model_facts(hub: Hub, answers: Answers, repo: str, tell: Listener = unheard) -> ServedModel:
    """What the Hub knows of a model, and who serves it in the user's own order; kept for minutes.

    Raises:
        Missing: there is no such model, as far as the token can see.
        CallFailed: the Hub refuses, or is not there.
    """
    path = f"/api/models/{quote(repo)}"
    asked: dict[str, str | list[str]] = {"expand": ["inferenceProviderMapping", "pipeline_tag", "likes"]}

    async def ask() -> object:
        try:
            return await hub.get(path, asked, doing=f"looking up the model {repo}", tell=tell)
        except Missing as failure:
            seen = "that this token can see" if hub.token else "on the Hub, as far as a visitor can see"
            guess = nearest(repo, known_models())
            hint = guess if guess and guess.startswith("did") else "check owner and name, with capitals"
            message = f"there is no model {repo} {seen}"
            raise Missing(repo, message, said=failure.said, hint=hint) from failure

    answer = await answers.get(["models", hub.address, hub.token is not None, path, asked], ask)
    if (found := read_model(answer)) is None:
        raise BadOutput("the Hub", f"looking up the model {repo}: the Hub sent something else than a model")
    return found


def task_served(model: ServedModel, provider: Provider | None) -> str | None:
    """What a model is asked to do where nobody wrote it: by who serves it, else by the Hub's tag."""
    offers = [one for one in model.offers if provider is None or one.provider == provider.name]
    return next((one.task for one in offers if one.task), None) or model.task


def servers(model: ServedModel, task: Task) -> tuple[Offer, ...]:
    """The offers of those that serve a model for a task and that the client can ask, in the Hub's order.

    A text can be had by chat too, which is how most language models are served.
    """
    wanted = {task.served_as} | ({"conversational"} if task.name == TEXT_GENERATION else set())
    return tuple(
        one
        for one in model.offers
        if one.status != "error"
        and one.task in wanted
        and (known := PROVIDERS.get(one.provider)) is not None
        and one.task in known.tasks
    )


def _of(*names: str) -> frozenset[str]:
    return frozenset(names)


_C = "conversational"
_PICTURES = ("text-to-image", "image-to-image")
_VIDEOS = ("text-to-video", "image-to-video")
_SPEECH = ("automatic-speech-recognition", "text-to-speech")
_ELSEWHERE = {"text-to-video", "image-to-video", CHAT}  # tasks that Hugging Face itself does not serve


def _providers() -> Iterable[Provider]:
    yield Provider("baseten", ("inference.baseten.co",), _of(_C), ("BASETEN_API_KEY",))
    yield Provider("cerebras", ("api.cerebras.ai",), _of(_C), ("CEREBRAS_API_KEY",))
    yield Provider("cohere", ("api.cohere.com",), _of(_C), ("COHERE_API_KEY", "CO_API_KEY"))
    yield Provider(
        "deepinfra",
        ("api.deepinfra.com",),
        _of(_C, "feature-extraction", "text-generation", *_SPEECH),
        ("DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"),
    )
    yield Provider(
        "fal-ai",
        ("fal.run", "queue.fal.run"),
        _of(*_PICTURES, *_VIDEOS, *_SPEECH, "image-segmentation"),
        ("FAL_KEY",),
    )
    yield Provider(
        "featherless-ai", ("api.featherless.ai",), _of(_C, "text-generation"), ("FEATHERLESS_API_KEY",)
    )
    yield Provider("fireworks-ai", ("api.fireworks.ai",), _of(_C), ("FIREWORKS_API_KEY",))
    yield Provider("groq", ("api.groq.com",), _of(_C), ("GROQ_API_KEY",))
    yield Provider(HF_INFERENCE, (), frozenset({*TASKS} - _ELSEWHERE) | {_C})
    yield Provider(
        "novita", ("api.novita.ai",), _of(_C, "text-generation", "text-to-video"), ("NOVITA_API_KEY",)
    )
    yield Provider(
        "nscale",
        ("inference.api.nscale.com",),
        _of(_C, "text-to-image"),
        ("NSCALE_API_KEY", "NSCALE_SERVICE_TOKEN"),
    )
    yield Provider("openai", ("api.openai.com",), _of(_C), ("OPENAI_API_KEY",))
    yield Provider(
        "ovhcloud",
        ("oai.endpoints.kepler.ai.cloud.ovh.net",),
        _of(_C),
        ("OVH_AI_ENDPOINTS_ACCESS_TOKEN", "OVHCLOUD_API_KEY"),
    )
    yield Provider("publicai", ("api.publicai.co",), _of(_C), ("PUBLICAI_API_KEY",))
    yield Provider(
        "replicate",
        ("api.replicate.com",),
        _of(*_PICTURES, "text-to-video", *_SPEECH),
        ("REPLICATE_API_TOKEN", "REPLICATE_API_KEY"),
    )
    yield Provider("scaleway", ("api.scaleway.ai",), _of(_C, "feature-extraction"), ("SCW_SECRET_KEY",))
    yield Provider(
        "together",
        ("api.together.xyz",),
        _of(_C, "feature-extraction", "text-generation", "text-to-speech", *_PICTURES, *_VIDEOS),
        ("TOGETHER_API_KEY",),
    )
    yield Provider("wavespeed", ("api.wavespeed.ai",), _of(*_PICTURES, *_VIDEOS), ("WAVESPEED_API_KEY",))
    yield Provider("zai-org", ("api.z.ai",), _of(_C, "text-to-image"), ("ZAI_API_KEY", "Z_AI_API_KEY"))


PROVIDERS: Mapping[str, Provider] = MappingProxyType({one.name: one for one in _providers()})

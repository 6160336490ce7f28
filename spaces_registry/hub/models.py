"""The models that Inference Providers serve, with what is known of providers, prices and context lengths.

Sources: `GET {HF_ENDPOINT}/api/models?inference_provider=all&expand=inferenceProviderMapping`, and for chat
`GET {router}/v1/models`, which alone names prices (US dollars for a million tokens) and context lengths.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from spaces_registry.apps.schema import mapping, sequence
from spaces_registry.catalogue import KnownModel, known_models, relevance
from spaces_registry.errors import BadOutput, RateLimited, TimedOut, ToolkitError, Unreachable, nearest
from spaces_registry.hub.answers import Answers
from spaces_registry.hub.hub import Hub
from spaces_registry.progress import Listener, unheard

ROUTER = "https://router.huggingface.co"
CHAT = frozenset({"text-generation", "image-text-to-text", "conversational"})
TASKS = (
    "text-to-image", "image-to-image", "text-to-video", "image-to-video", "text-to-speech", "text-to-audio",
    "automatic-speech-recognition", "text-generation", "image-text-to-text", "image-to-text",
    "text-to-3d", "image-to-3d", "translation", "summarization", "question-answering",
    "table-question-answering", "fill-mask", "text-classification", "token-classification",
    "zero-shot-classification", "sentence-similarity", "feature-extraction", "image-classification",
    "image-segmentation", "object-detection", "audio-classification", "audio-to-audio", "depth-estimation",
    "zero-shot-image-classification", "visual-question-answering", "document-question-answering",
)  # fmt: skip
_AWAY = (Unreachable, BadOutput, TimedOut, RateLimited)


class UnknownTask(ToolkitError):
    """The Hub knows no such task."""

    code = "unknown-task"

    def __init__(self, task: str) -> None:
        super().__init__(f"the Hub has no task {task!r}", hint=nearest(task, TASKS))
        self.task = task


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider's offer to serve a model.

    Attributes:
        provider: its name, e.g. `fal-ai`.
        status: `live`, `staging` or `error`.
        task: what it serves the model for.
        context_tokens: how long a conversation may be, if it was said.
        usd_in: US dollars for a million tokens of input, if it was said.
        usd_out: the same for output.
        served_id: what the provider itself calls the model, if it was said.
    """

    provider: str
    status: str = "live"
    task: str | None = None
    context_tokens: int | None = None
    usd_in: float | None = None
    usd_out: float | None = None
    served_id: str | None = None


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model and who serves it.

    Attributes:
        id: `owner/name`.
        task: in the Hub's words.
        offers: by provider; those of the Hub's list in the user's own order.
        likes: how many people like it.
        about: one line, for well-known ones.
    """

    id: str
    task: str | None
    offers: tuple[Offer, ...] = ()
    likes: int = 0
    about: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """What was found, in the Hub's order, and what the user should know about how this came about."""

    models: tuple[ServedModel, ...]
    remarks: tuple[str, ...] = ()


async def served_models(
    hub: Hub,
    answers: Answers,
    *,
    words: str = "",
    task: str | None = None,
    limit: int = 30,
    router: str | None = None,
    tell: Listener = unheard,
) -> Served:
    """The models that Inference Providers serve.

    Args:
        hub: where to ask.
        answers: keeps the Hub's answers for some minutes.
        words: part of a model's name, or an alias of the catalog.
        task: e.g. `text-to-image`; None for all.
        limit: how many at most.
        router: base URL of the chat router; None for `SPACECHAIN_ROUTER`, else the Hub's. It gets no token.
        tell: hears of waits.

    Raises:
        UnknownTask: the Hub knows no such task.
        CallFailed: the Hub refuses.
    """
    if task is not None and task not in TASKS:
        raise UnknownTask(task)
    name = _name_of(words)
    work = _Asking(hub, answers, name, task, limit, tell)
    remarks: list[str] = []
    try:
        found = await work.listed()
    except _AWAY as failure:
        known = [_known(one) for one in known_models().values() if _suits(one, words, task)]
        remark = f"{failure.message}; these are models that the catalog knows, and may not be served now"
        return Served(tuple(known[:limit]), (remark,))
    if task in CHAT or any(one.task in CHAT for one in found):
        try:
            found = _joined(found, await work.routed(router or os.environ.get("SPACECHAIN_ROUTER") or ROUTER))
        except _AWAY as failure:
            remarks.append(f"{failure.message}; prices and context lengths are missing")
    return Served(tuple(found[:limit]), tuple(remarks))


@dataclass(frozen=True, slots=True)
class _Asking:
    hub: Hub
    answers: Answers
    words: str
    task: str | None
    limit: int
    tell: Listener

    async def listed(self) -> list[ServedModel]:
        """The Hub's list."""
        asked: dict[str, str | list[str]] = {"inference_provider": "all", "limit": str(self.limit)}
        asked["expand"] = ["inferenceProviderMapping", "pipeline_tag", "likes"]
        if self.words:
            asked["search"] = self.words
        if self.task:
            asked["pipeline_tag"] = self.task
        found = await self._get("/api/models", asked, "listing models", None)
        if not isinstance(found, list):
            raise BadOutput("the Hub", "listing models: the Hub sent something else than a list of models")
        return [one for entry in found if (one := read_model(entry)) is not None]

    async def routed(self, router: str) -> list[ServedModel]:
        """The chat router's list, as far as it has these words in its names."""
        found = mapping(await self._get("/v1/models", {}, "asking for prices", router)).get("data")
        if not isinstance(found, list):
            raise BadOutput(
                "the Hub", "asking for prices: the router sent something else than a list of models"
            )
        models = [one for entry in found if (one := read_routed(entry)) is not None]
        wanted = self.words.lower()
        return [one for one in models if wanted in one.id.lower() and self.task in (None, one.task)]

    async def _get(
        self, path: str, asked: Mapping[str, str | list[str]], doing: str, base: str | None
    ) -> Any:
        async def ask() -> Any:
            return await self.hub.get(path, asked, doing=doing, tell=self.tell, base=base)

        has_token = self.hub.token is not None and base is None
        return await self.answers.get(["models", base or self.hub.address, has_token, path, asked], ask)


def read_model(data: object) -> ServedModel | None:
    """One entry of the Hub's list; the mapping of providers is a list there, and an object elsewhere."""
    one = mapping(data)
    if not isinstance(repo := one.get("id"), str):
        return None
    entries = one.get("inferenceProviderMapping")
    if isinstance(entries, Mapping):
        entries = [{**mapping(entry), "provider": provider} for provider, entry in entries.items()]
    offers = [
        Offer(
            provider,
            _text(entry.get("status")) or "live",
            _text(entry.get("task")),
            served_id=_text(entry.get("providerId")),
        )
        for entry in map(mapping, sequence(entries))
        if (provider := _text(entry.get("provider")))
    ]
    task = _text(one.get("pipeline_tag")) or next((offer.task for offer in offers if offer.task), None)
    likes = one.get("likes")
    known = known_models().get(repo)
    return ServedModel(
        repo, task, tuple(offers), likes if isinstance(likes, int) else 0, known.about if known else ""
    )


def read_routed(data: object) -> ServedModel | None:
    """One entry of the chat router's list."""
    one = mapping(data)
    if not isinstance(repo := one.get("id"), str):
        return None
    takes = sequence(mapping(one.get("architecture")).get("input_modalities"))
    task = "image-text-to-text" if "image" in takes else "text-generation"
    offers = [
        Offer(
            provider,
            _text(entry.get("status")) or "live",
            "conversational",
            _whole(entry.get("context_length")),
            _number(mapping(entry.get("pricing")).get("input")),
            _number(mapping(entry.get("pricing")).get("output")),
        )
        for entry in map(mapping, sequence(one.get("providers")))
        if (provider := _text(entry.get("provider")))
    ]
    return ServedModel(repo, task, tuple(offers))


def _joined(listed: Iterable[ServedModel], routed: Iterable[ServedModel]) -> list[ServedModel]:
    """The Hub's list with the router's facts; what the router alone knows comes after it."""
    by_id = {one.id: one for one in routed}
    found: list[ServedModel] = []
    for model in listed:
        facts = {one.provider: one for one in by_id.pop(model.id, model).offers}
        offers = [
            replace(one, context_tokens=more.context_tokens, usd_in=more.usd_in, usd_out=more.usd_out)
            if (more := facts.pop(one.provider, None))
            else one
            for one in model.offers
        ]
        found.append(replace(model, offers=(*offers, *facts.values())))
    return [*found, *by_id.values()]


def _name_of(words: str) -> str:
    """The words to search names for: an alias stands for its model only where no name could have it."""
    known = next((one.id for one in known_models().values() if words.lower() in one.aliases), None)
    return words if known is None or words.lower() in known.lower() else known


def _known(one: KnownModel) -> ServedModel:
    return ServedModel(one.id, one.task, about=one.about)


def _suits(one: KnownModel, words: str, task: str | None) -> bool:
    told = relevance(words, one.id, one.about, one.task, *one.aliases)
    return task in (None, one.task) and (not words or told > 0)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

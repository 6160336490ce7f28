"""Places that are models: served by Inference Providers, or behind an endpoint's own URL."""

import os
import re
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from chains.model import ModelStep
from pipelines.places.place import Place
from pipelines.runners.model import ModelRunner
from spaces_registry.address import GONE, in_place_of
from spaces_registry.catalogue import known_models
from spaces_registry.errors import Missing, ToolkitError, nearest
from spaces_registry.hub.models import ROUTER, TASKS, Offer, ServedModel, served_models
from spaces_registry.hub.providers import AUTO, Provider, model_facts, provider_named, servers, task_served
from spaces_registry.hub.task import CHAT, TEXT_GENERATION, Task
from spaces_registry.hub.tasks import NoSuchTask, UntoldTask, task_named
from spaces_registry.registry import Registry
from spaces_registry.signature import Endpoint

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*")
_BARE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")  # what OpenAI calls its models
_OPENAI = "openai"
_ENOUGH = 8  # models named in a hint


class BadModel(ToolkitError):
    """The text is no model's id, no URL and no alias."""

    code = "bad-model"

    def __init__(self, text: str, why: str, hint: str | None = None) -> None:
        super().__init__(f"{text!r} names no model: {why}", hint=hint)
        self.text = text


def model_endpoint(step: ModelStep) -> Endpoint | None:
    """What a model takes and returns, by its task; None if only the Hub can tell the task.

    Raises:
        BadModel: it names none.
        UnknownProvider, NoSuchTask: there is none of that name.
        UntoldTask: a URL's task is not written.
    """
    provider = provider_named(step.provider)
    task = _told_task(step, _named(step, provider), provider)
    return task.asked_with(frozenset(step.arguments)) if task else None


async def model_place(step: ModelStep, registry: Registry, prefer: Collection[str] = ()) -> Place:
    """The place of a model, with a provider that serves it for the task; nothing that costs is asked.

    Args:
        step: what is called.
        registry: reaches the Hub.
        prefer: addresses of places whose provider comes before others: a resumed run has results of theirs.

    Raises:
        Missing: there is no such model, or nobody serves it so; the hint says what is served.
        Unauthorized: calls lack a token, or a key.
        ToolkitError: as `model_endpoint`, and what the Hub refuses.
    """
    provider = provider_named(step.provider)
    model = _named(step, provider)
    task = _told_task(step, model, provider)
    if "://" in model:
        assert task is not None  # noqa: S101 - told, or refused above
        return _at_url(step, model, task, registry)
    if provider is not None and provider.name == _OPENAI:
        chat = task or task_named(CHAT)
        return _place(step, model, chat, provider=provider, offer=None, offers=(), registry=registry)
    facts = await model_facts(registry.hub, registry.answers, model)
    task = task or _hub_task(facts, provider)
    offers = servers(facts, task)
    mine = [one for one in offers if provider is None or one.provider == provider.name]
    if not mine:
        raise await _unserved(facts, task, provider, offers, registry)
    mine = sorted(mine, key=lambda one: f"{one.provider}: {facts.id}" not in prefer)
    offer = next((one for one in mine if one.task == task.name), mine[0])
    return _place(step, facts.id, task, provider=provider, offer=offer, offers=offers, registry=registry)


def _named(step: ModelStep, provider: Provider | None) -> str:
    """The model's id or URL, out of what is written: an alias, an id, a URL, or a model's page on the Hub."""
    text = step.model.strip()
    if "://" in text:
        model = _of_url(text)
        if "://" in model and provider is not None:
            hint = "leave `provider` out, or write the model's id"
            raise BadModel(text, f"a URL is asked as it stands, not through {provider.name}", hint)
        return model
    if "/" in text:
        if _ID.fullmatch(text) and ".." not in text:
            return text
        raise BadModel(text, "an id is owner/name, of letters, digits, '-', '_' and '.'")
    if provider is not None and provider.name == _OPENAI and _BARE.fullmatch(text):
        return text
    aliases = {alias: one.id for one in known_models().values() for alias in one.aliases}
    if (found := aliases.get(text.lower())) is not None:
        return found
    raise BadModel(text, "no alias of that name", nearest(text, aliases) or "write owner/name or a URL")


def _of_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as cause:
        raise BadModel(text, str(cause)) from cause
    if parts.username is not None:
        shown = text.replace(parts.netloc, parts.netloc.rpartition("@")[2])
        raise BadModel(shown, "a URL must not hold a user name or a password")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadModel(text, "only http and https URLs lead to one")
    if (hint := in_place_of(text)) is not None:
        raise BadModel(text, f"{GONE} is no more", hint)
    page = "/".join(parts.path.strip("/").removeprefix("models/").split("/")[:2])
    if parts.hostname in ("huggingface.co", "hf.co") and _ID.fullmatch(page):
        return page
    return text.rstrip("/")


def _told_task(step: ModelStep, model: str, provider: Provider | None) -> Task | None:
    """The task as far as the chain or the catalogue tells it."""
    if step.task is not None:
        return task_named(step.task)
    if "://" in model:
        if model.endswith(("/v1", "/chat/completions")):
            return task_named(CHAT)
        raise UntoldTask(model, "a URL does not say it")
    if provider is not None and provider.name == _OPENAI:
        return task_named(CHAT)
    known = known_models().get(model)
    return _spoken(known.task) if known else None


def _hub_task(facts: ServedModel, provider: Provider | None) -> Task:
    told = task_served(facts, provider)
    if told is None:
        raise UntoldTask(facts.id, "the Hub does not say it")
    try:
        return _spoken(told)
    except NoSuchTask as cause:
        raise UntoldTask(facts.id, f"the Hub calls it {told!r}") from cause


def _spoken(told: str) -> Task:
    """The task that another's word means: what the Hub calls text generation is nearly always a chat."""
    task = task_named(told)
    return task_named(CHAT) if task.name == TEXT_GENERATION else task


def _place(
    step: ModelStep,
    model: str,
    task: Task,
    *,
    provider: Provider | None,
    offer: Offer | None,
    offers: Sequence[Offer],
    registry: Registry,
) -> Place:
    """The place of a model behind a provider; the router chooses one for a chat that names none."""
    as_chat = task.name == TEXT_GENERATION and offer is not None and offer.task != task.name
    is_routed = provider is None and (task.name == CHAT or as_chat)
    name = AUTO if is_routed else provider.name if provider else offer.provider if offer else AUTO
    key = provider.key() if provider else None
    hub = registry.hub
    runner = ModelRunner(
        client=registry.client,
        model=model,
        task=task,
        provider=name,
        as_chat=as_chat,
        token=hub.token,
        key=key,
        bill_to=step.bill_to,
        hub=hub.address,
        router=(os.environ.get("SPACECHAIN_ROUTER") or ROUTER).rstrip("/"),
        secrets=registry.secrets,
        others=() if is_routed else tuple(one.provider for one in offers if one.provider != name),
    )
    address = f"{name}: {model}"
    runner.admit(address)
    return Place(
        "model",
        address,
        task.asked_with(frozenset(step.arguments)),
        runner,
        revision=offer.served_id if offer and not is_routed else None,
        site=f"https://{provider.hosts[0]}" if provider and key else None,
        names=(model,) if name == AUTO else (name, model),
    )


def _at_url(step: ModelStep, url: str, task: Task, registry: Registry) -> Place:
    hub = registry.hub
    headers = registry.own.headers.get(url, {})
    runner = ModelRunner(
        registry.client,
        url,
        task,
        None,
        token=hub.token,
        hub=hub.address,
        headers=headers,
        secrets=registry.secrets,
    )
    return Place("model", url, task.asked_with(frozenset(step.arguments)), runner, site=url)


async def _unserved(
    facts: ServedModel, task: Task, provider: Provider | None, offers: Sequence[Offer], registry: Registry
) -> Missing:
    """Why nobody serves a model for a task, and what comes nearest."""
    if provider is not None and offers:
        message = f"{provider.name} does not serve {facts.id} for {task.name}"
        who = ", ".join(one.provider for one in offers)
        return Missing(facts.id, message, hint=f"these do: {who}; write `provider: {offers[0].provider}`")
    for_others = sorted({one.task for one in facts.offers if one.task and one.status != "error"})
    if for_others and task.served_as not in for_others:
        message = f"{facts.id} is not served for {task.name}"
        return Missing(facts.id, message, hint=f"it is for {', '.join(for_others)}: write that as `task:`")
    wanted = "text-generation" if task.name == CHAT else task.name
    instead: Sequence[str] = ()
    if wanted in TASKS:
        found = await served_models(registry.hub, registry.answers, task=wanted, limit=_ENOUGH)
        instead = [one.id for one in found.models if one.id != facts.id]
    hint = f"served for {task.name}: {', '.join(instead)}" if instead else "look for a Space: `find: …`"
    return Missing(facts.id, f"no provider serves {facts.id} for {task.name}", hint=hint)

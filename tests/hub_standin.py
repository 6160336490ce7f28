"""A Hub for tests: a real HTTP server that answers as the Hub does, with its own fields and error codes.

It knows `/api/spaces/semantic-search`, a Space's record by id and by subdomain, whole or as far as `expand`
asks, its host and runtime, `/api/models` and a model's own record, `whoami-v2`, the ZeroGPU quota, and the
chat router's `/v1/models`. To a visitor without a token, a private Space and one that does not exist look
alike (401); with a token, one that does not exist is 404.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from leaks import SECRETS
from web import Answer, Asked, Web, say, web

TOKEN = SECRETS.make("standin")


@dataclass(slots=True)
class ListedSpace:
    """A Space as the stand-in lists it. Tests may change it while the stand-in runs.

    Attributes:
        host: root URL of the app.
        stages: the stages it goes through, one a request; the last one stays.
        revision: the commit that runs.
        is_private: whether it is shown only to the right token.
        complaint: the Hub's `errorMessage`.
        refusal: answered in place of everything else.
        title: what its page is called.
        likes: how many people like it.
        about: the Hub's one line about it.
        category: the label of its category.
        relevance: what a search with words finds it to be worth; None keeps it out of such searches.
        tags: beside its SDK.
    """

    host: str
    stages: list[str] = field(default_factory=lambda: ["RUNNING"])
    revision: str = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"
    sdk: str = "gradio"
    hardware: str = "cpu-basic"
    is_private: bool = False
    complaint: str | None = None
    refusal: Answer | None = None
    title: str = ""
    likes: int = 1
    about: str = "Does something"
    category: str = "Image Generation"
    relevance: float | None = 0.5
    tags: tuple[str, ...] = ()

    def runtime(self) -> dict[str, Any]:
        """The Hub's record of how it runs; moves on to the next stage."""
        stage = self.stages.pop(0) if len(self.stages) > 1 else self.stages[0]
        record = {
            "stage": stage,
            "hardware": {"current": self.hardware, "requested": self.hardware},
            "gcTimeout": 172800,
            "storage": None,
            "replicas": {"current": 1, "requested": 1},
            "devMode": False,
            "domains": [{"domain": self.host.split("://")[-1], "stage": "READY"}],
            "sha": self.revision,
        }
        return record if self.complaint is None else {**record, "errorMessage": self.complaint}


@dataclass(slots=True)
class ListedModel:
    """A model as the stand-in lists it.

    Attributes:
        task: its pipeline tag.
        providers: names of those that serve it.
        likes: how many people like it.
        chat: the chat router's facts by provider: `context_length`, `pricing` and so on.
    """

    task: str
    providers: tuple[str, ...] = ("fal-ai",)
    likes: int = 1
    chat: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Holder:
    """Whose token it is, and what it may.

    Attributes:
        role: `read`, `write` or `fineGrained`.
        permissions: of a fine-grained token, for the user's own things.
        everywhere: of a fine-grained token, for everything.
        quota: seconds of ZeroGPU a day, and what is left of them; None where the token may not ask.
        resets_at: when the day begins anew; None before its first use.
        refusal: answered in place of who it is.
    """

    role: str = "read"
    permissions: tuple[str, ...] = ()
    everywhere: tuple[str, ...] = ()
    quota: tuple[float, float] | None = (300, 210)
    resets_at: str | None = "2026-11-22T09:12:03.000Z"
    refusal: Answer | None = None


SLUG = re.compile(  # written out, so that what the toolkit knows is compared with something
    r"(image|video|text|music|code)-generation|speech-synthesis|voice-cloning|image-(editing|upscaling|captioning)"
    r"|background-removal|ocr|style-transfer|language-translation|face-recognition|object-detection"
    r"|pose-estimation|(text|sentiment|document|financial)-analysis|question-answering|data-visualization"
    r"|3d-modeling|visual-qa|chatbots|text-summarization|medical-imaging|game-ai|model-benchmarking"
    r"|fine-tuning-tools|dataset-creation|anomaly-detection|recommendation-systems|character-animation"
    r"|agent-environment|image|other"
)
EXPANDABLE = frozenset(
    {"author", "cardData", "createdAt", "datasets", "disabled", "lastModified", "likes", "models", "private"}
    | {"region", "resourceGroup", "runtime", "sdk", "sha", "siblings", "subdomain", "tags", "trendingScore"}
    | {"usedStorage"}
)
LISTS = ("/api/spaces/semantic-search", "/api/models", "/v1/models")
LIMITS = {"RateLimit": '"api";r=499;t=55', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}


@contextmanager
def hub_standin(
    spaces: Mapping[str, ListedSpace],
    *,
    token: str = TOKEN,
    models: Mapping[str, ListedModel] = {},
    refusals: Iterable[Answer] = (),
    holder: Holder | None = None,
) -> Iterator[Web]:
    """Serve these Spaces and models, by id; its `url` is what `HF_ENDPOINT` is to be.

    Args:
        spaces: by id.
        token: the one that is good.
        models: by id.
        refusals: answered first, one a request for a list, before the lists themselves.
        holder: whose token it is.
    """
    first = iter(refusals)
    whose = holder or Holder()

    def answer(asked: Asked) -> Answer:
        sent = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if sent and sent != token:
            found = say({"error": "Invalid user token."}, 401)
        elif asked.path in LISTS:
            found = next(first, None) or _list(asked, spaces, models, sent)
        elif asked.path == "/api/whoami-v2":
            found = _whoami(whose) if sent else say({"error": "Invalid username or password."}, 401)
        elif asked.path == "/api/spaces/zero-gpu/quota":
            found = _quota(whose) if sent else say({"error": "Invalid username or password."}, 401)
        elif asked.path.startswith("/api/models/"):
            found = _model(asked.path.removeprefix("/api/models/"), models, sent)
        else:
            found = _one(asked, spaces, sent)
        return replace(found, headers={**LIMITS, **found.headers})

    with web(answer) as served:
        yield served


def _one(asked: Asked, spaces: Mapping[str, ListedSpace], sent: str) -> Answer:
    """A Space's record, or a part of it."""
    repo, what = asked.path.removeprefix("/api/spaces/"), "info"
    if repo.startswith("by-subdomain/"):
        repo = next((one for one in spaces if _subdomain(one) == repo.partition("/")[2]), repo)
    elif repo.count("/") > 1:
        repo, _, what = repo.rpartition("/")
    space = spaces.get(repo)
    if not asked.path.startswith("/api/spaces/") or space is None or (space.is_private and not sent):
        return _not_found(sent)
    if space.refusal is not None:
        return space.refusal
    match what:
        case "runtime":
            return say(space.runtime())
        case "host":
            return say({"host": space.host})
    record = _info(repo, space)
    wanted = parse_qs(asked.query).get("expand")
    if wanted is None:
        return say(record)
    if not {*wanted} <= EXPANDABLE:  # `host` is not
        return say({"error": "Invalid query parameters"}, 400)
    return say({name: value for name, value in record.items() if name in ("_id", "id", *wanted)})


def _not_found(sent: str) -> Answer:
    message = "Repository not found" if sent else "Invalid username or password."
    return say({"error": message}, 404 if sent else 401, X_Error_Code="RepoNotFound", X_Error_Message=message)


def _subdomain(repo: str) -> str:
    return re.sub(r"[/._]", "-", repo.lower())


def _list(
    asked: Asked, spaces: Mapping[str, ListedSpace], models: Mapping[str, ListedModel], sent: str
) -> Answer:
    query = parse_qs(asked.query)
    match asked.path:
        case "/v1/models":
            return _routed(models)
        case "/api/models":
            return _models(models, query)
    return _search(spaces, query, sent)


def _info(repo: str, space: ListedSpace) -> dict[str, Any]:
    owner, _, name = repo.partition("/")
    return {
        "_id": "0123456789abcdef01234567",
        "id": repo,
        "author": owner,
        "sha": space.revision,
        "lastModified": "2026-08-22T02:55:22.000Z",
        "createdAt": "2025-08-22T02:55:22.000Z",
        "private": space.is_private,
        "gated": False,
        "disabled": False,
        "host": space.host,
        "subdomain": _subdomain(repo),
        "likes": space.likes,
        "sdk": space.sdk,
        "tags": [space.sdk, *space.tags],
        "cardData": {
            "sdk": space.sdk,
            "sdk_version": "6.31.0",
            "title": space.title or name,
            "short_description": space.about,
        },
        "siblings": [{"rfilename": "app.py"}],
        "runtime": space.runtime(),
        "models": ["acme/model"],
        "datasets": ["acme/data"],
        "trendingScore": 3.5,
        "usedStorage": 1048576,
        "region": "us",
        "resourceGroup": None,
    }


def _search(spaces: Mapping[str, ListedSpace], query: Mapping[str, list[str]], sent: str) -> Answer:
    """One batch of at most a hundred, the most relevant first; by category alone in no order to speak of."""
    words, category = query.get("q", [""])[0], query.get("category", [""])[0]
    if (category and not SLUG.fullmatch(category)) or not (words or category):
        return say({"error": "Invalid query parameters"}, 400)
    found = []
    for repo, space in spaces.items():
        is_idle = not space.stages[0].startswith("RUNNING")
        if (is_idle and query.get("includeNonRunning") != ["true"]) or (space.is_private and not sent):
            continue
        if category and space.category.lower().replace(" ", "-") != category:
            continue
        if "sdk" in query and space.sdk not in query["sdk"]:
            continue
        if not {*query.get("filter", [])} <= {space.sdk, *space.tags}:
            continue
        if words and space.relevance is None:
            continue
        found.append(_hit(repo, space, with_score=bool(words)))
    found.sort(key=lambda one: -one.get("semanticRelevancyScore", 0))
    return say(found[:100])


def _hit(repo: str, space: ListedSpace, *, with_score: bool) -> dict[str, Any]:
    """A Space as a search shows it: without card, host and subdomain; the revision is the runtime's."""
    owner, _, name = repo.partition("/")
    hit = {
        "author": owner,
        "authorData": {"name": owner, "type": "user", "isPro": False},
        "colorFrom": "gray",
        "createdAt": "2025-08-22T02:55:22.000Z",
        "emoji": "🦀",
        "id": repo,
        "lastModified": "2026-08-22T02:55:22.000Z",
        "likes": space.likes,
        "pinned": False,
        "private": space.is_private,
        "sdk": space.sdk,
        "repoType": "space",
        "runtime": space.runtime(),
        "shortDescription": space.about,
        "title": space.title or name,
        "tags": [space.sdk, *space.tags],
        "ai_short_description": space.about,
        "ai_category": space.category,
        "trendingScore": 3.5,
    }
    return hit | {"semanticRelevancyScore": space.relevance} if with_score else hit


def _models(models: Mapping[str, ListedModel], query: Mapping[str, list[str]]) -> Answer:
    """Models in the list's form: the mapping of providers is a list."""
    words, task = query.get("search", [""])[0].lower(), query.get("pipeline_tag")
    found = [
        {
            "_id": "0123456789abcdef01234567",
            "id": repo,
            "likes": model.likes,
            "pipeline_tag": model.task,
            "inferenceProviderMapping": [
                {"provider": one, "providerId": f"{one}/x", "status": "live", "task": model.task}
                for one in model.providers
            ],
        }
        for repo, model in models.items()
        if words in repo.lower() and (task is None or model.task in task) and model.providers
    ]
    return say(found[: int(query.get("limit", ["1000"])[0])])


def _model(repo: str, models: Mapping[str, ListedModel], sent: str) -> Answer:
    """A model's own record: the mapping of providers is an object there."""
    model = models.get(repo)
    if model is None:
        return _not_found(sent)
    offers = {
        one: {"providerId": f"{one}/x", "status": "live", "task": model.task} for one in model.providers
    }
    record = {"_id": "0123456789abcdef01234567", "id": repo, "likes": model.likes, "pipeline_tag": model.task}
    return say(record | {"inferenceProviderMapping": offers})


def _routed(models: Mapping[str, ListedModel]) -> Answer:
    """The chat router's list."""
    listed = [
        {
            "id": repo,
            "object": "model",
            "created": 1750000000,
            "owned_by": repo.partition("/")[0],
            "architecture": {
                "input_modalities": ["text", "image"] if model.task == "image-text-to-text" else ["text"],
                "output_modalities": ["text"],
            },
            "providers": [{"provider": one, "status": "live", **facts} for one, facts in model.chat.items()],
        }
        for repo, model in models.items()
        if model.chat
    ]
    return say({"object": "list", "data": listed})


def _quota(holder: Holder) -> Answer:
    if holder.quota is None:
        return say({"error": "Your token does not have the required permission: Billing"}, 403)
    base, left = holder.quota
    return say({"base": base, "current": left, "resetsAt": holder.resets_at, "overquotaUsed": 0})


def _whoami(holder: Holder) -> Answer:
    if holder.refusal is not None:
        return holder.refusal
    token: dict[str, Any] = {
        "displayName": "standin",
        "role": holder.role,
        "createdAt": "2026-01-01T00:00:00.000Z",
    }
    if holder.role == "fineGrained":
        own = {"_id": "0123456789abcdef01234567", "type": "user", "name": "ada"}
        token["fineGrained"] = {
            "canReadGatedRepos": False,
            "global": [*holder.everywhere],
            "scoped": [{"entity": own, "permissions": [*holder.permissions]}],
        }
    return say(
        {
            "type": "user",
            "id": "0123456789abcdef01234567",
            "name": "ada",
            "fullname": "Ada",
            "email": "ada@example.org",
            "isPro": False,
            "canPay": False,
            "orgs": [{"type": "org", "name": "acme"}],
            "auth": {"type": "access_token", "accessToken": token},
        }
    )

"""Search of the Hub's Spaces by meaning.

Source: `GET {HF_ENDPOINT}/api/spaces/semantic-search`. One answer is one batch of about a hundred Spaces,
without pages. Several words are searched by meaning, a single one as text; with a category alone the order
means nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spaces_registry.apps.schema import mapping
from spaces_registry.catalogue import category_labelled, category_of
from spaces_registry.errors import BadOutput, ToolkitError
from spaces_registry.hub.answers import Answers
from spaces_registry.hub.hub import Hub, Listing
from spaces_registry.progress import Listener, unheard

LONGEST_QUERY = 250  # characters that the Hub takes
_PATH = "/api/spaces/semantic-search"


class BadQuery(ToolkitError):
    """These words cannot be searched for."""

    code = "bad-query"


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for.

    Attributes:
        words: what the Space should do; may be empty beside a category.
        category: a slug or label of the Hub's categories.
        sdk: `gradio`, `docker`, `static`, or None for all.
        tags: tags that a Space must have.
        with_idle: whether Spaces that do not run are found, too.
    """

    words: str = ""
    category: str | None = None
    sdk: str | None = "gradio"
    tags: tuple[str, ...] = ()
    with_idle: bool = False

    def parameters(self) -> dict[str, str | list[str]]:
        """As the Hub wants them.

        Raises:
            BadQuery: there is nothing to look for, or too much.
            UnknownCategory: the Hub has no such category.
        """
        words = " ".join(self.words.split())
        if len(words) > LONGEST_QUERY:
            message = (
                f"the words to search for are {len(words)} characters long; the Hub takes {LONGEST_QUERY}"
            )
            raise BadQuery(message, hint="say it in fewer words")
        if not words and self.category is None:
            raise BadQuery(
                "there is nothing to search for", hint="say what the Space should do, or a category"
            )
        found: dict[str, str | list[str]] = {"q": words} if words else {}
        if self.category is not None:
            found["category"] = category_of(self.category).slug
        if self.sdk is not None:
            found["sdk"] = self.sdk
        if self.tags:
            found["filter"] = [*self.tags]
        if self.with_idle:
            found["includeNonRunning"] = "true"
        return found


@dataclass(frozen=True, slots=True)
class Hit:
    """A Space that was found.

    Attributes:
        listing: what the Hub knows of it; its `url` is known for apps below hf.space alone.
        category: slug of its category, if the Hub gave it one.
        relevance: 0 to 1: how well the Hub thinks it suits the words; None if there were none.
    """

    listing: Listing
    category: str | None = None
    relevance: float | None = None


async def search(hub: Hub, query: Query, answers: Answers, *, tell: Listener = unheard) -> tuple[Hit, ...]:
    """The Spaces that suit a query, in the Hub's order; an answer holds for some minutes.

    Raises:
        BadQuery, UnknownCategory: the query cannot be asked.
        CallFailed: the Hub refuses, or cannot be asked.
    """
    asked = query.parameters()

    async def ask() -> Any:
        return await hub.get(_PATH, asked, doing="searching Spaces", tell=tell)

    question = ["search", hub.address, hub.token is not None, asked]
    found = await answers.get(question, ask)
    if not isinstance(found, list):
        raise BadOutput("the Hub", "searching Spaces: the Hub sent something else than a list of Spaces")
    return tuple(hit for one in found if (hit := read_hit(one)) is not None)


def read_hit(data: object) -> Hit | None:
    """One entry of the Hub's answer, or None if it names no Space."""
    one = mapping(data)
    if not isinstance(repo := one.get("id"), str) or repo.count("/") != 1:
        return None
    runtime = mapping(one.get("runtime"))
    likes = one.get("likes")
    listing = Listing(
        id=repo,
        url=_url(runtime),
        stage=_text(runtime.get("stage")),
        revision=_text(runtime.get("sha")),
        hardware=_text(mapping(runtime.get("hardware")).get("current")),
        sdk=_text(one.get("sdk")),
        is_private=one.get("private") is True,
        complaint=_text(runtime.get("errorMessage")),
        likes=likes if isinstance(likes, int) and not isinstance(likes, bool) else 0,
        title=_text(one.get("title")) or "",
        about=_text(one.get("ai_short_description")) or _text(one.get("shortDescription")) or "",
    )
    category = category_labelled(_text(one.get("ai_category")))
    return Hit(listing, category.slug if category else None, _score(one.get("semanticRelevancyScore")))


def _url(runtime: Mapping[str, Any]) -> str | None:
    """The app's own address on hf.space; elsewhere the Hub is asked for it when it is needed."""
    domains = runtime.get("domains")
    for one in map(mapping, domains if isinstance(domains, list) else ()):
        host = one.get("domain")
        if one.get("stage") == "READY" and isinstance(host, str) and host.endswith(".hf.space"):
            return f"https://{host}"
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _score(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return min(1.0, max(0.0, float(value)))

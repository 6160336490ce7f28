"""What a chain needs the user's trust for, in plain words; each is trusted as it stands, by its content."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chains.meaning.paths import is_url
from chains.model import Chain, ChainStep, FindStep, ModelStep, ServiceStep, SpaceStep
from chains.problems import Problem
from pipelines.household.home import Home
from pipelines.household.remote import NotTrustedRecipe, recipe_sha256
from pipelines.household.trust import INSIDE, NotTrusted, code_of, fingerprint, is_trusted, trust_content
from pipelines.household.variables import handings, variable_problems
from pipelines.places.nested import chains_in
from pipelines.services.keys import sendings
from spaces_registry.errors import ToolkitError


class Refused(NotTrusted):
    """The user was asked, and did not allow it."""

    def __init__(self, chain: str) -> None:
        hint = f"nothing was run; allow it later with: spacechain trust {chain}"
        ToolkitError.__init__(self, f"{chain} is not trusted", hint=hint)
        self.file = Path(chain)


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that a chain would do and that the user has to allow.

    Attributes:
        marks: what is taken down when it is trusted: hashes, each with what it stands for.
        told: what it would do, in plain words.
        read: what to read before it is trusted, or None where `told` says all.
    """

    marks: Mapping[str, str]
    told: str
    read: str | None


def wishes(chain: Chain, home: Home, environ: Mapping[str, str] = os.environ) -> tuple[Wish, ...]:
    """All that a chain, and those in it, need trust for, whether it has it or not.

    Raises:
        ToolkitError: a file of code, a service file or a nested chain is not there or has mistakes.
    """
    chains = (chain, *chains_in(chain))
    found = [*_recipe(chain, chains)]
    found += [Wish({one.sha256: one.told}, one.told, None) for one in handings(chain, home, environ)]
    keys = {key.sha256: key for one in chains for key in sendings(one, home, environ)}
    found += [Wish({key.sha256: key.told}, key.told, key.file) for key in keys.values()]
    for code in code_of(chains):
        sha256 = fingerprint(code.file)
        marks = {sha256: code.file.name}
        if code.inside:
            marks[f"{sha256}{INSIDE}"] = f"{code.file.name}, inside of spacechain"
        found.append(Wish(marks, code.told, code.named))
    return tuple(found)


def missing(found: tuple[Wish, ...], home: Home) -> tuple[Wish, ...]:
    """Those that the user has not allowed."""
    return tuple(one for one in found if not all(is_trusted(home, mark) for mark in one.marks))


def allow(wish: Wish, home: Home) -> None:
    """Allow one, as it stands now.

    Raises:
        StorageFailed: the home folder cannot be written.
    """
    for mark, note in wish.marks.items():
        trust_content(home, mark, note)


def require_recipe(chain: Chain, home: Home) -> None:
    """Refuse to run a chain from the web that the user has not allowed.

    Raises:
        NotTrustedRecipe: it came by URL, and nobody said that it may run.
    """
    if not is_known(chain, home):
        raise NotTrustedRecipe(chain.source.file)


def is_known(chain: Chain, home: Home) -> bool:
    """Whether a chain is of this machine, or came by URL and its text is trusted."""
    return not is_url(chain.source.file) or is_trusted(home, recipe_sha256(chain.source.text))


def trust_problems(chain: Chain, home: Home) -> Iterator[Problem]:
    """What a run of a chain will ask trust for first, beside code and keys, as warnings."""
    if not is_known(chain, home):
        told = "this recipe comes from the web and is not trusted as it stands; "
        told += "what it names on this machine's own network is not looked at"
        hint = f"a run asks first; allow it with: spacechain trust {chain.source.file}"
        yield Problem(chain.source.at(()), "not-trusted", told, hint, severity="warning")
    yield from variable_problems(chain, home)


def _recipe(chain: Chain, chains: tuple[Chain, ...]) -> Iterator[Wish]:
    """A chain that came by URL: whom it calls in the user's name, and what it reads."""
    if not is_url(chain.source.file):
        return
    whom = dict.fromkeys(name for one in chains for name in _called(one))
    variables = dict.fromkeys(name for one in chains for name in one.env)
    told = (
        f"the recipe at {chain.source.file} calls {', '.join(whom) or 'nobody'} in your name and at your cost"
    )
    if variables:
        told += f", and reads your environment variables {', '.join(variables)}"
    mark = recipe_sha256(chain.source.text)
    yield Wish({mark: f"the recipe at {chain.source.file}"}, told, str(chain.folder / "recipe.yaml"))


def _called(chain: Chain) -> Iterator[str]:
    for step in chain.ways:
        match step:
            case SpaceStep():
                yield from (f"the Space {one}" for one in (step.space, *step.others))
            case FindStep():
                yield f"a Space found for {step.words!r}"
            case ModelStep():
                yield f"the model {step.model}"
            case ServiceStep():
                yield f"the service {step.service}" + (f" at {step.url}" if step.url else "")
            case ChainStep():
                yield f"the recipe {step.chain}"

"""Where the values of a chain's environment variables go: which ones, to whom, in which step.

A chain file is often a stranger's, and one line in it could send a key anywhere. A value is followed through
the whole nest of chains: a step is reached by a variable if anything in it mentions the variable, or reads
from a step that the variable reached, whatever that step is. What a nested chain is handed reaches all steps
in it that read inputs. This asks rather too often than too seldom.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from chains.graph import order
from chains.language.expressions import Reference
from chains.model import Chain, ChainStep, FindStep, ModelStep, PythonStep, ServiceStep, SpaceStep, Step
from chains.problems import Problem
from pipelines.household.home import Home
from pipelines.household.trust import NotTrusted, is_trusted
from pipelines.places.nested import Around, chains_in, read_nested
from pipelines.programs.environment import is_credential
from pipelines.services.keys import is_key_of, url_of
from pipelines.services.library import find_service
from spaces_registry.address import HubAddress, address_of
from spaces_registry.bookmarks import Bookmarks, find_bookmarks
from spaces_registry.errors import ToolkitError

_HERE = "this machine"
_MOST_NAMED = 4  # steps in one line
_NEARNESS = {"python": 1, "none": 2}  # what leaves this machine is told first


@dataclass(frozen=True, slots=True)
class Handing:
    """A variable whose value goes to somebody.

    Attributes:
        variable: its name.
        to: who gets it, in words that name the host or the Space.
        kind: of the step: `space`, `find`, `model`, `service` or `python`.
        is_credential: whether its name or its value looks like a key, a token or a password.
        file: of the chain that reads or hands it.
        steps: those of that chain that hand it there.
        at: where to look in the outermost chain, as a step's name; None for its `env`.
    """

    variable: str
    to: str
    kind: str
    is_credential: bool
    file: str
    steps: tuple[str, ...] = ()
    at: str | None = None

    @property
    def sha256(self) -> str:
        """What trust is given to: variable, receiver and kind of step, not the words around them."""
        return hashlib.sha256(f"variable {self.variable} to {self.kind} {self.to}".encode()).hexdigest()

    @property
    def what(self) -> str:
        """What the chain does: `send the value of OPENAI_API_KEY … to far.example`."""
        looks = ", which looks like a credential," if self.is_credential else ""
        if self.to == _HERE:
            return f"read the variable {self.variable}{looks} and send it nowhere"
        steps = ", ".join(f"`{one}`" for one in self.steps[:_MOST_NAMED])
        more = f" and {len(self.steps) - _MOST_NAMED} more" if len(self.steps) > _MOST_NAMED else ""
        where = f"step{'s' if len(self.steps) > 1 else ''} {steps}{more}"
        return f"send the value of {self.variable}{looks} to {self.to} in {where}"

    @property
    def told(self) -> str:
        """What is allowed by trusting it."""
        return f"{self.file} may {self.what}"


class VariableNotTrusted(NotTrusted):
    """A chain would hand an environment variable to somebody whom the user has not allowed to have it."""

    def __init__(self, handings: tuple[Handing, ...], chain: Chain) -> None:
        first, more = handings[0], len(handings) - 1
        rest = f" (and {more} more like it)" if more else ""
        ToolkitError.__init__(
            self,
            f"{first.file} would {first.what}, which you have not allowed{rest}",
            hint=f"read {first.file}, then allow it with: spacechain trust {chain.source.file}",
        )
        self.handings = handings
        self.file = chain.folder / first.file


def handings(
    chain: Chain,
    home: Home,
    environ: Mapping[str, str] = os.environ,
    around: Around | None = None,
) -> tuple[Handing, ...]:
    """Every variable that a chain, or one in it, reads and that looks like a credential, or hands to a place.

    Args:
        chain: the outermost one.
        home: has the user's own services and names for Spaces.
        environ: the variables: a value may look like a credential where a name does not.
        around: what the chain's steps lie in, where it was read before.

    Raises:
        BadBookmarks: a `spaces.yaml` has a mistake.
    """
    around = around or Around.of(chain)
    if not any(one.env for one in (chain, *chains_in(chain, around))):
        return ()
    nest = _Nest(home, environ, find_bookmarks(home.folder, chain.folder, environ))
    nest.follow(chain, around)
    found = {one.sha256: one for one in nest.found.values()}
    named = {one.variable for one in found.values()}
    for name, file in nest.declared.items():
        if name not in named and is_credential(name, environ.get(name, "")):
            read = Handing(name, _HERE, "none", True, file)  # noqa: FBT003 - it is by the line above
            found[read.sha256] = read
    return tuple(sorted(found.values(), key=lambda one: _NEARNESS.get(one.kind, 0)))


def require_variables(chain: Chain, home: Home, around: Around | None = None) -> None:
    """Refuse a chain that would hand a variable where the user has not allowed it to go.

    Raises:
        VariableNotTrusted: it would.
    """
    if missing := _missing(chain, home, around):
        raise VariableNotTrusted(missing, chain)


def variable_problems(chain: Chain, home: Home) -> Iterator[Problem]:
    """What a run of a chain will ask trust for, as warnings: looking at the chain needs none."""
    for one in _missing(chain, home, None):
        step = chain.steps.get(one.at or "")
        at = step.at if step else chain.source.at(("env",))
        hint = f"a run asks first; allow it with: spacechain trust {chain.source.file}"
        message = f"{one.file} would {one.what}, which you have not allowed"
        yield Problem(at, "not-trusted", message, hint, one.at, "warning")


def _missing(chain: Chain, home: Home, around: Around | None) -> tuple[Handing, ...]:
    return tuple(one for one in handings(chain, home, around=around) if not is_trusted(home, one.sha256))


@dataclass(slots=True)
class _Nest:
    """A chain and those in it, followed until nothing new is reached.

    Attributes:
        found: by variable, receiver and kind.
        declared: variables in the `env` of the chains, each with the first file that names it.
    """

    home: Home
    environ: Mapping[str, str]
    own: Bookmarks
    found: dict[tuple[str, str, str], Handing] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=dict)
    _handed: dict[str, frozenset[str]] = field(default_factory=dict)

    def follow(self, chain: Chain, around: Around) -> None:
        """Follow all variables; a chain is gone through again when more of them are handed to it."""
        waiting: list[tuple[Chain, Around, str | None]] = [(chain, around, None)]
        self._handed[around.trail[-1]] = frozenset()
        while waiting:
            here, about, top = waiting.pop(0)
            for name in here.env:
                self.declared.setdefault(name, here.source.file)
            for step, reached in self._reached(here, about):
                at = top or step.name
                if isinstance(step, ChainStep):
                    waiting += self._inside(here, step, about, reached, at)
                for receiver, kind in self._receivers(here, step):
                    self._hand(here, step, at, reached, receiver, kind)

    def _reached(self, chain: Chain, around: Around) -> Iterator[tuple[Step, frozenset[str]]]:
        """Each step and fallback with the variables that reach it."""
        handed = self._handed[around.trail[-1]]
        gives: dict[str, frozenset[str]] = {}
        everything = handed | frozenset(chain.env)
        layers = [name for layer in order(chain) for name in layer]
        for name in layers:
            step = chain.steps[name]
            reached = frozenset(_mentioned(step.references, chain, handed))
            reached = reached.union(*(gives.get(one, everything) for one in step.reads))
            gives[name] = reached
            for way in (step, *step.fallback):
                if isinstance(way, PythonStep):  # it gets all of them in its environment
                    gives[name] |= frozenset(chain.env)
                    yield way, reached | frozenset(chain.env)
                    continue
                if isinstance(way, ChainStep):
                    gives[name] |= self._of_nested(chain, way, around)
                yield way, reached

    def _of_nested(self, chain: Chain, step: ChainStep, around: Around) -> frozenset[str]:
        """Variables that a nested chain, or one in it, reads itself: any of them may be in what it gives."""
        names: set[str] = set()
        waiting, seen = [(chain, step, around)], set[str]()
        while waiting:
            here, one, about = waiting.pop()
            with suppress(ToolkitError):  # told where the chain is checked, and then nothing runs
                nested = read_nested(here, one, about)
                if nested.around.trail[-1] in seen:
                    continue
                seen.add(nested.around.trail[-1])
                names |= set(nested.chain.env)
                waiting += [
                    (nested.chain, way, nested.around)
                    for way in nested.chain.ways
                    if isinstance(way, ChainStep)
                ]
        return frozenset(names)

    def _inside(
        self, chain: Chain, step: ChainStep, around: Around, reached: frozenset[str], at: str
    ) -> list[tuple[Chain, Around, str | None]]:
        """The nested chain, if it was not followed yet with all that this step hands to it."""
        try:
            nested = read_nested(chain, step, around)
        except ToolkitError:
            return []
        who = nested.around.trail[-1]
        before = self._handed.get(who)
        if before is not None and reached <= before:
            return []
        self._handed[who] = reached | (before or frozenset())
        return [(nested.chain, nested.around, at)]

    def _hand(
        self, chain: Chain, step: Step, at: str, reached: Iterable[str], receiver: str, kind: str
    ) -> None:
        for name in sorted(reached):
            secret = is_credential(name, self.environ.get(name, ""))
            if isinstance(step, PythonStep) and not secret:
                continue  # it is code of the user's, which he trusted to run here
            if isinstance(step, ServiceStep) and self._belongs(chain, step, name):
                continue
            key = (name, receiver, kind)
            known = self.found.get(key) or Handing(name, receiver, kind, secret, chain.source.file, (), at)
            if step.name not in known.steps:
                known = replace(known, steps=(*known.steps, step.name))
            self.found[key] = known

    def _belongs(self, chain: Chain, step: ServiceStep, name: str) -> bool:
        """Whether a variable is the service's own, at the address where the user has it."""
        try:
            return is_key_of(name, find_service(step.service, chain.folder, self.home), step, self.environ)
        except ToolkitError:
            return False

    def _receivers(self, chain: Chain, step: Step) -> Iterator[tuple[str, str]]:
        """Who gets what a step is handed, each with the kind of the step; nobody where it stays here."""
        match step:
            case SpaceStep():
                for one in (step.space, *step.others):
                    yield _space(one, self.own), "space"
            case FindStep() if step.among:
                for one in step.among:
                    yield _space(one, self.own), "find"
            case FindStep():
                yield f"whichever Space is found for {step.words!r}", "find"
            case ModelStep():
                host = _host(step.model)
                yield host or f"who serves the model {step.model} (provider {step.provider})", "model"
            case ServiceStep():
                yield self._service(chain, step), "service"
            case PythonStep():
                yield f"the code in {step.file}", "python"

    def _service(self, chain: Chain, step: ServiceStep) -> str:
        try:
            found = find_service(step.service, chain.folder, self.home)
            return _host(url_of(found.service, step.url, self.environ)) or step.service
        except ToolkitError:  # told where the chain is checked, and then nothing runs
            return f"the service {step.service}"


def _mentioned(references: Iterable[Reference], chain: Chain, handed: frozenset[str]) -> Iterator[str]:
    """The variables that references mention: those of `env`, and whatever the inputs may hold."""
    for one in references:
        if one.root == "env":
            known = one.path[:1] and one.path[0] in chain.env
            yield from (str(one.path[0]),) if known else chain.env
        elif one.root == "inputs":
            yield from handed


def _space(text: str, own: Bookmarks) -> str:
    try:
        where = address_of(text, own.aliases)
    except ToolkitError:
        return f"the Space {text}"
    return f"the Space {where.id}" if isinstance(where, HubAddress) else _host(where.url) or where.url


def _host(url: str) -> str | None:
    """Host and port of a URL, with its scheme where it is not https; None for a text that is no URL."""
    if "://" not in url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.netloc if parts.scheme == "https" else f"{parts.scheme}://{parts.netloc}"

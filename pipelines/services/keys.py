"""Where a service is for this user, and which key goes there; nothing goes where it was not meant to."""

import base64
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from chains.model import Chain, ServiceStep
from chains.services.huggingface import is_hf_token, may_have_hf_token, names_hf_token
from chains.services.model import Service
from pipelines.household.home import Home
from pipelines.household.trust import NotTrusted, is_trusted
from pipelines.services.library import Found, find_service, service_files
from spaces_registry.address import GONE, in_place_of
from spaces_registry.bookmarks import NAME as BOOKMARKS
from spaces_registry.bookmarks import load_bookmarks
from spaces_registry.errors import ToolkitError, Unauthorized


class BadServiceUrl(ToolkitError):
    """The address of a service is none."""

    code = "bad-url"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a service is sent to know its user.

    Attributes:
        headers: to its own host alone.
        secrets: what must be in no message.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Sending:
    """Which variable's key goes to which host, on whose word.

    Attributes:
        sha256: what trust is given to: the service file, or these two facts where a chain's `url` says so.
        who: sends it.
        what: it does: `send the key in ACME_KEY to api.acme.com`.
        file: what to read before it is trusted.
    """

    sha256: str
    who: str
    what: str
    file: str

    @property
    def told(self) -> str:
        """What is allowed by trusting it."""
        return f"{self.who} may {self.what}"


def url_of(service: Service, step_url: str | None, environ: Mapping[str, str]) -> str:
    """Where a service is: as the step says, else the environment, else its file.

    Raises:
        BadServiceUrl: that is no address.
    """
    named = service.url_from and environ.get(service.url_from)
    url = (step_url or named or service.url).rstrip("/")
    if not url:
        variable = f", or set {service.url_from}" if service.url_from else ""
        hint = f"say where yours is: give the step `url: https://…`{variable}"
        raise BadServiceUrl(f"{service.name} has no address of its own", hint=hint)
    if (instead := in_place_of(url)) is not None:
        raise BadServiceUrl(f"{service.name}: {GONE} is no more", hint=instead)
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        good = good and not parts.query and not parts.fragment and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or any(one.isspace() for one in url):
        where = "the step's `url`" if step_url else service.url_from if named else "its file"
        raise BadServiceUrl(
            f"{service.name}: {where} is no address of a service: {url[:100]!r}",
            hint="it is scheme and host, perhaps a path, as in http://127.0.0.1:7860, without user or key",
        )
    return url


def is_key_of(variable: str, found: Found, step: ServiceStep, environ: Mapping[str, str]) -> bool:
    """Whether a variable is a service's own key or address, and the service is where its user has it.

    Args:
        variable: its name.
        found: the service.
        step: calls it, perhaps elsewhere.
        environ: the variables.
    """
    service = found.service
    own = {*(service.auth.variables if service.auth else ()), *filter(None, (service.url_from,))}
    return variable in own and found.whose != "beside" and _is_usual(service, step, environ)


def _is_usual(service: Service, step: ServiceStep, environ: Mapping[str, str]) -> bool:
    """Whether a step asks a service where its own file, or the user's variable, says that it is."""
    if step.url is None:
        return True
    return urlsplit(url_of(service, step.url, environ))[:2] == _usual(service, environ)[:2]


def _usual(service: Service, environ: Mapping[str, str]) -> SplitResult:
    return urlsplit((service.url_from and environ.get(service.url_from)) or service.url)


def needs_trust(
    found: Found, step: ServiceStep, home: Home, environ: Mapping[str, str]
) -> tuple[Sending, ...]:
    """What the user has to trust before a step sends a key on a chain's word: file, `url`, or both.

    A `url` that is on this machine is no exception: who listens there is not known. No key, no question.
    """
    service, auth = found.service, found.service.auth
    if auth is None:
        return ()
    variables = " or ".join(auth.variables)
    needed: list[Sending] = []
    usual = _usual(service, environ)
    if found.whose == "beside":
        what = f"send the key in {variables} to {usual.netloc or 'where the chain says'}"
        needed.append(Sending(service.sha256, step.service, what, step.service))
    if step.url is not None and not _is_usual(service, step, environ):
        url = url_of(service, step.url, environ)
        parts = urlsplit(url)
        name, key = key_in(service, environ, url)
        if key is not None and not _is_named_at_home(home, name, parts, environ):
            what = f"send the key in {variables} to {parts.netloc}"
            fact = hashlib.sha256(f"{what} by {parts.scheme}".encode()).hexdigest()
            needed.append(Sending(fact, f"step {step.name!r}", what, "the step's `url`"))
    return tuple(needed)


def _is_named_at_home(home: Home, variable: str, where: SplitResult, environ: Mapping[str, str]) -> bool:
    """Whether the user's own service files or `spaces.yaml` send the key in this variable to this host."""
    place = (where.scheme, where.netloc)
    for name, (_, whose) in service_files(home).items():
        if whose != "home":
            continue
        try:
            own = find_service(name, home.folder, home).service
        except ToolkitError:
            continue  # told where it is used
        names = own.auth.variables if own.auth else ()
        if variable in names and _usual(own, environ)[:2] == place:
            return True
    key = environ.get(variable, "").strip()
    with suppress(ToolkitError):  # told where its Spaces are looked up
        for address, sent in load_bookmarks(home.folder / BOOKMARKS, environ).headers.items():
            if urlsplit(address)[:2] == place and any(key in one for one in sent.values()):
                return True
    return False


def sendings(chain: Chain, home: Home, environ: Mapping[str, str]) -> tuple[Sending, ...]:
    """Every key that a chain would send somewhere on its own word, each once.

    Raises:
        ToolkitError: a service file is not there or has mistakes.
    """
    found = (
        one
        for step in chain.ways
        if isinstance(step, ServiceStep)
        for one in needs_trust(find_service(step.service, chain.folder, home), step, home, environ)
    )
    return tuple({one.sha256: one for one in found}.values())


def require_trust(
    found: Found, step: ServiceStep, chain: str, home: Home, environ: Mapping[str, str]
) -> None:
    """Refuse to send a key on a chain's word alone.

    Raises:
        NotTrusted: the user has not allowed it.
    """
    for sending in needs_trust(found, step, home, environ):
        if not is_trusted(home, sending.sha256):
            raise KeyNotTrusted(sending, chain)


class KeyNotTrusted(NotTrusted):
    """A chain wants to send a key where the user has not allowed it to go."""

    def __init__(self, sending: Sending, chain: str) -> None:
        hint = f"read {sending.file}, then allow it with: spacechain trust {chain}"
        ToolkitError.__init__(
            self, f"{sending.who} would {sending.what}, which you have not allowed", hint=hint
        )
        self.sending = sending
        self.file = Path(sending.file)


def credentials(service: Service, url: str, environ: Mapping[str, str]) -> Credentials:
    """What the service at a URL is sent to know its user.

    Raises:
        Unauthorized: it needs a key and there is none, or the key is for somebody else.
    """
    auth = service.auth
    if auth is None:
        return Credentials()
    name, key = key_in(service, environ, url)
    if key is None:
        if auth.optional:
            return Credentials()
        message = f"{service.name} needs a key, and {' or '.join(auth.variables)} is not set"
        raise Unauthorized(service.name, message, hint=_get_one(service))
    if (names_hf_token(name) or is_hf_token(key)) and not may_have_hf_token(url):
        message = f"{name} holds a Hugging Face token, which is not sent to {urlsplit(url).netloc}"
        raise Unauthorized(service.name, message, hint=f"put a key of {service.name} into {name}")
    if not key.isprintable() or not key.isascii():
        message = f"the key in {name} has characters that no key has, perhaps a line end"
        raise Unauthorized(service.name, message, hint=f"set {name} again")
    encoded = base64.b64encode(key.encode()).decode()
    if auth.form == "basic":
        password = key.partition(":")[2]
        return Credentials(
            {auth.header: f"Basic {encoded}"}, tuple(one for one in (key, encoded, password) if one)
        )
    return Credentials({auth.header: auth.form.replace("{key}", key)}, (key,))


def key_in(service: Service, environ: Mapping[str, str], url: str | None = None) -> tuple[str, str | None]:
    """The variable that holds a service's key, and the key; None if none is set.

    Args:
        service: whose key.
        environ: the variables.
        url: where it is to go; a variable for Hugging Face's token does not count elsewhere.
    """
    variables = service.auth.variables if service.auth else ()
    for one in variables:
        elsewhere = url is not None and names_hf_token(one) and not may_have_hf_token(url)
        if not elsewhere and (key := environ.get(one, "").strip()):
            return one, key
    return (variables[0] if variables else ""), None


def _get_one(service: Service) -> str:
    auth = service.auth
    where = f" ({auth.get_one})" if auth and auth.get_one else ""
    return f"set it to a key of {service.name}{where}"

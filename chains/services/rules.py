"""What must be true of a service file beyond its shape; each rule finds every case and raises nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from chains.language.expressions import Template
from chains.language.functions import functions
from chains.meaning.literals import misfit
from chains.problems import Problem
from chains.services.huggingface import may_have_hf_token, names_hf_token
from chains.services.model import Ask, FileForm, Service, ServiceEndpoint
from chains.services.shape import STATES
from chains.services.values import names_in
from chains.text.source import Path
from spaces_registry.errors import nearest
from spaces_registry.signature import Kind, Parameter

Rule: TypeAlias = Callable[[Service], Iterator[Problem]]
_OURS: Final = ("job", "item")


def _each(service: Service) -> Iterator[tuple[ServiceEndpoint, Path]]:
    return ((one, ("endpoints", name)) for name, one in service.endpoints.items())


def _templates(ask: Ask | None) -> Iterator[Template]:
    if ask is not None:
        every = (ask.path, ask.json, ask.multipart, ask.query, ask.headers)
        yield from (one for one in every if one is not None)


def _asks(endpoint: ServiceEndpoint) -> Iterator[tuple[Ask | None, tuple[str, ...]]]:
    """Every request of an endpoint, with the names beside the parameters that it may mention."""
    yield endpoint.ask, ()
    yield endpoint.cancel, ()
    if endpoint.meanwhile:
        yield endpoint.meanwhile.ask, ()
    if endpoint.job:
        job = endpoint.job
        queue = job.queue.ask if job.queue else None
        for ask in (job.status.ask, queue, job.result, *job.cancel):
            yield ask, ("job",)
    for one in endpoint.gives:
        yield one.fetch, ("item", "job") if endpoint.job else ("item",)


def _mentions(endpoint: ServiceEndpoint) -> set[str]:
    return {
        name for ask, _ in _asks(endpoint) for template in _templates(ask) for name, _ in names_in(template)
    }


def unknown_names(service: Service) -> Iterator[Problem]:
    """Every name in a value is a parameter, or one of ours where it exists."""
    for endpoint, _ in _each(service):
        own = [one.name for one in endpoint.takes]
        for ask, ours in _asks(endpoint):
            for template in _templates(ask):
                for name, at in names_in(template):
                    if name not in own and name not in ours:
                        message = f"`{name}` is not in `takes` of `{endpoint.name}`"
                        yield Problem(at, "unknown-parameter", message, nearest(name, [*own, *ours]))
    for template in _templates(service.upload.ask if service.upload else None):
        for name, at in names_in(template):
            yield Problem(at, "unknown-parameter", f"`upload` knows no parameters, so no `{name}`")


def unknown_functions(service: Service) -> Iterator[Problem]:
    """Every function is one of the language's."""
    known = [one for one in functions() if one != "template"]
    for endpoint, _ in _each(service):
        for ask, _ in _asks(endpoint):
            for call in (call for template in _templates(ask) for call in template.calls):
                if call.function not in known:
                    message = f"there is no function `{call.function}` here"
                    yield Problem(call.at, "unknown-function", message, nearest(call.function, known))


def unused_parameters(service: Service) -> Iterator[Problem]:
    """Every parameter goes somewhere."""
    for endpoint, path in _each(service):
        if endpoint.uses is not None:
            continue  # the workflow may hold it
        mentioned = _mentions(endpoint)
        for one in endpoint.takes:
            if one.name not in mentioned:
                message = f"`{one.name}` of `{endpoint.name}` goes nowhere"
                at = service.source.key_at((*path, "takes", one.name))
                yield Problem(at, "unused-parameter", message, f"put `${one.name}` into the body or the path")


def parameters(service: Service) -> Iterator[Problem]:
    """Names are free, defaults and ranges fit their kinds."""
    for endpoint, path in _each(service):
        for one in endpoint.takes:
            where = (*path, "takes", one.name)
            at = service.source.key_at(where)
            if one.name in _OURS or not one.name.isidentifier():
                why = "is a name of the format's own" if one.name in _OURS else "is no name"
                hint = "letters, digits and `_`, not beginning with a digit"
                yield Problem(at, "bad-name", f"`{one.name}` {why}", None if one.name in _OURS else hint)
            if one.minimum is not None and one.maximum is not None and one.minimum > one.maximum:
                message = f"`minimum` is greater than `maximum` of `{one.name}`"
                yield Problem(service.source.at((*where, "minimum")), "bad-range", message)
            if one.choices is not None and one.kind.is_file:
                yield Problem(at, "bad-kind", f"`{one.name}` has choices, so it can be no {one.kind}")
            yield from _defaults(service, one, (*where, "default"))


def _defaults(service: Service, one: Parameter, path: Path) -> Iterator[Problem]:
    if one.default is None:
        return
    at = service.source.at(path)
    if one.kind.is_file or one.kind == Kind.GALLERY:
        hint = "say `required: false` to leave it out"
        yield Problem(at, "file-default", f"`{one.name}` is a file and has no default", hint)
        return
    values = one.default if one.many and isinstance(one.default, list) else [one.default]
    for value in values if isinstance(values, Sequence) else ():
        if said := misfit(value, one.kind):
            yield Problem(at, "bad-default", f"the default of `{one.name}` {said}")
        elif one.choices is not None and one.closed and value not in one.choices:
            yield Problem(at, "bad-default", f"the default of `{one.name}` is not among its choices")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            low, high = one.minimum, one.maximum
            if (low is not None and value < low) or (high is not None and value > high):
                yield Problem(at, "bad-default", f"the default of `{one.name}` is outside its range")


def requests(service: Service) -> Iterator[Problem]:
    """A request has one body at most, and one address."""
    for endpoint, path in _each(service):
        if endpoint.ask.json is not None and endpoint.ask.multipart is not None:
            message = f"`{endpoint.name}` has both `json` and `multipart`"
            yield Problem(
                service.source.key_at((*path, "multipart")), "two-bodies", message, "keep one of them"
            )
        if endpoint.ask.method == "GET" and (endpoint.ask.json or endpoint.ask.multipart):
            at = service.source.at((*path, "method"))
            yield Problem(at, "bad-method", "GET has no body", "put it into `query`, or use POST")
        job = endpoint.job
        targets = [("status", job.status.ask), ("result", job.result)] if job else []
        targets += [("cancel", one) for one in job.cancel] if job else []
        targets += [("queue", job.queue.ask)] if job and job.queue else []
        for name, ask in targets:
            if ask is not None and (ask.url is None) == (ask.path is None):
                where = (*path, "job", name)
                what = "neither `url` nor `path`" if ask.url is None else "both `url` and `path`"
                hint = "`url` is where the first answer has the address, `path` a path of the service"
                yield Problem(service.source.key_at(where), "bad-address", f"`{name}` has {what}", hint)


def answers(service: Service) -> Iterator[Problem]:
    """An endpoint answers in one way, and what it gives can be there."""
    for endpoint, path in _each(service):
        at = service.source.key_at(path)
        if endpoint.job and endpoint.stream:
            yield Problem(
                at, "two-answers", f"`{endpoint.name}` answers with a `job` or in a `stream`, not both"
            )
        if endpoint.meanwhile and (endpoint.job or endpoint.stream):
            where = service.source.key_at((*path, "meanwhile"))
            message = "`meanwhile` is for calls that are answered at once"
            yield Problem(
                where, "two-answers", message, "a job says `position` and `progress` in its `status`"
            )
        for one in endpoint.gives:
            spot = (*path, "gives", one.told.name)
            file = one.told.kind.is_file or one.told.kind == Kind.GALLERY
            if one.query is None and (one.told.many or one.told.kind == Kind.GALLERY):
                message = "the body is one thing, so it cannot be `many`"
                yield Problem(service.source.key_at(spot), "bad-return", message)
            if (one.form or one.fetch) and not file:
                key = "as" if one.form else "fetch"
                message = f"`{key}` is for files, and `{one.told.name}` is {one.told.kind}"
                yield Problem(service.source.key_at((*spot, key)), "bad-return", message)


def states(service: Service) -> Iterator[Problem]:
    """A job's words mean one thing each, and one of them means done."""
    for endpoint, path in _each(service):
        if endpoint.job is None:
            continue
        status, where = endpoint.job.status, (*path, "job", "status")
        at = service.source.key_at
        if status.word and status.done_when:
            yield Problem(at((*where, "done_when")), "two-words", "`word` and `done_when` exclude each other")
        if status.word and "done" not in status.meanings.values():
            yield Problem(at((*where, "word")), "missing-key", "`status` has `word`, so it needs `done`")
        if status.meanings and not status.word:
            first = next(one for one in STATES if service.source.written((*where, one)) is not None)
            message = f"`{first}` lists words, but no `word` says where they are"
            yield Problem(at((*where, first)), "missing-key", message)
        seen: dict[str, str] = {}
        for state in STATES:
            written = service.source.written((*where, state))
            for word in written if isinstance(written, list) else [written] if written else []:
                before = seen.setdefault(str(word).lower(), state)
                if before != state:
                    message = f"`{word}` means both `{before}` and `{state}`"
                    yield Problem(at((*where, state)), "bad-state", message)


def files(service: Service) -> Iterator[Problem]:
    """Every file has a way in."""
    for endpoint, path in _each(service):
        takes = {one.name: one for one in endpoint.takes if one.kind.is_file or one.kind == Kind.GALLERY}
        for name in takes:
            if name == endpoint.uses:
                continue
            form, at = endpoint.form_of(name), service.source.key_at((*path, "takes", name))
            if form is None:
                message = f"nothing says how the file `{name}` goes in"
                yield Problem(
                    at, "no-file-form", message, "add `files:` to the parameter, the endpoint or the file"
                )
            elif form == FileForm.UPLOAD and service.upload is None:
                yield Problem(at, "no-upload", f"`{name}` is uploaded, but there is no `upload`")
            elif form == FileForm.MULTIPART and endpoint.ask.multipart is None:
                message = f"`{name}` is a part of a `multipart` body, and `{endpoint.name}` has none"
                yield Problem(at, "no-file-form", message)


_SIZED: Final[Mapping[str, tuple[Kind, ...]]] = {
    "of": (Kind.IMAGE,),
    "width": (Kind.INTEGER, Kind.NUMBER),
    "height": (Kind.INTEGER, Kind.NUMBER),
}


def names(service: Service) -> Iterator[Problem]:
    """What is named is there."""
    if service.default is not None and service.default not in service.endpoints:
        message = f"there is no endpoint `{service.default}`"
        hint = nearest(service.default, service.endpoints)
        yield Problem(service.source.at(("default",)), "unknown-endpoint", message, hint)
    for endpoint, path in _each(service):
        own = {one.name: one for one in endpoint.takes}
        for key, name in (("model", endpoint.model), ("uses", endpoint.uses)):
            if name is not None and name not in own:
                message = f"`{key}` names `{name}`, which is not in `takes`"
                yield Problem(
                    service.source.at((*path, key)), "unknown-parameter", message, nearest(name, own)
                )
        for key in ("of", "width", "height") if endpoint.size else ():
            name = getattr(endpoint.size, key)
            if name not in own:
                message = f"`size` names `{name}`, which is not in `takes`"
                at = service.source.key_at((*path, "size"))
                yield Problem(at, "unknown-parameter", message, nearest(name, own))
            elif (kinds := _SIZED[key]) and own[name].kind not in kinds:
                message = f"`{name}` of `size` is {own[name].kind}, not {' or '.join(kinds)}"
                yield Problem(service.source.key_at((*path, "size")), "bad-kind", message)
        if endpoint.uses in own and own[endpoint.uses].kind not in (Kind.FILE, Kind.JSON):
            message = f"a workflow is of kind `file` or `json`, not `{own[endpoint.uses].kind}`"
            yield Problem(service.source.at((*path, "uses")), "bad-kind", message)
        if endpoint.extra and endpoint.ask.json is None and endpoint.ask.multipart is None:
            message = f"`extra` puts arguments into `{endpoint.extra}`, and there is no body"
            yield Problem(service.source.key_at((*path, "extra")), "no-body", message)
        if endpoint.usage.usd_per_second is not None and endpoint.usage.seconds is None:
            at = service.source.key_at((*path, "usage", "usd_per_second"))
            yield Problem(at, "missing-key", "`usd_per_second` needs `seconds`")


def keys(service: Service) -> Iterator[Problem]:
    """A key is sent in a form that holds it, and nobody's Hugging Face token to somebody else."""
    auth = service.auth
    if auth is None:
        return
    if auth.form != "basic" and "{key}" not in auth.form:
        message = f"`{auth.form}` does not say where the key goes"
        at = service.source.at(("auth", "form"))
        yield Problem(at, "bad-form", message, "write `Bearer {key}`, `Key {key}`, `{key}` or `basic`")
    for name in auth.variables:
        if names_hf_token(name) and service.url and not may_have_hf_token(service.url):
            message = f"`{name}` is a Hugging Face token, which goes to Hugging Face's own hosts alone"
            at = service.source.at(("auth", "key_from"))
            yield Problem(at, "bad-variable", message, "name a variable for this service's own key")


def statuses(service: Service) -> Iterator[Problem]:
    """A failure says what it is told by."""
    of_endpoints: list[Path] = [(*path, "failures") for _, path in _each(service)]
    for path in (("failures",), *of_endpoints):
        rules = service.source.written(path)
        for at, rule in enumerate(rules if isinstance(rules, list) else ()):
            if not {"status", "when", "header"} & set(rule):
                message = "this failure says neither `status` nor `when` nor `header`"
                yield Problem(service.source.at((*path, at)), "missing-key", message)


RULES: Final[tuple[Rule, ...]] = (
    unknown_names,
    unknown_functions,
    unused_parameters,
    parameters,
    requests,
    answers,
    states,
    files,
    names,
    keys,
    statuses,
)

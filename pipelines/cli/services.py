"""`services`: which HTTP vendors there are, and what one of them takes and gives."""

import json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.completing import service_names
from pipelines.cli.options import AsJson

if TYPE_CHECKING:
    from chains.services.model import ServiceEndpoint
    from pipelines.services.library import Found
    from spaces_registry.signature import Parameter


def services(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="Show this service, or this service file.",
            autocompletion=service_names,
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the HTTP vendors that steps can call, or show one."""
    from pipelines.cli.show import result_json, say, show_error, table  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.services import listing  # noqa: PLC0415

    if name is not None:
        found = listing.one_service(name, find_home())
        if as_json:
            result_json(listing.service_json(found, os.environ))
        else:
            _show(found)
        return
    known = listing.list_services(find_home())
    if as_json:
        result_json([listing.summary_json(one, os.environ) for one in known.services])
    else:
        rows = [
            (
                one.service.name,
                *reversed(listing.key_state(one.service, os.environ)),
                ", ".join(one.service.endpoints),
                one.service.about,
            )
            for one in known.services
        ]
        table(("SERVICE", "KEY", "VARIABLE", "ENDPOINTS", "ABOUT"), rows)
        say("show one with: spacechain services NAME")
    for error in known.broken:
        show_error(error)
    if known.broken:
        raise typer.Exit(2)


def _show(found: "Found") -> None:
    from pipelines.cli.show import result, safe  # noqa: PLC0415
    from pipelines.services.listing import example, key_words  # noqa: PLC0415

    service, auth, limit = found.service, found.service.auth, found.service.limit
    own = os.environ.get(service.url_from or "")
    result(safe(f"{service.name}: {service.about}" if service.about else service.name))
    facts = [
        ("home", service.home),
        ("at", own or service.url or "each user's own address"),
        ("address from", f"{service.url_from} ({'set' if own else 'not set'})" if service.url_from else ""),
        ("key", key_words(service, os.environ) if auth else "needs none"),
        ("get a key", auth.get_one if auth else ""),
        ("file", str(found.file)),
    ]
    numbers = [(limit.concurrency, "at once"), (limit.per_minute, "a minute"), (limit.per_day, "a day")]
    facts.append(("limits", ", ".join(f"{number} {what}" for number, what in numbers if number)))
    for what, fact in facts:
        if fact:
            result(f"  {what}: {safe(fact)}")
    for endpoint in service.endpoints.values():
        result("")
        default = " (the default)" if service.default == endpoint.name else ""
        result(safe(f"{endpoint.name}{default}" + (f": {endpoint.about}" if endpoint.about else "")))
        _show_endpoint(endpoint)
    first = service.endpoints[service.default or next(iter(service.endpoints))]
    result("")
    for line in example(found, first).splitlines():
        result(line)


def _show_endpoint(endpoint: "ServiceEndpoint") -> None:
    from pipelines.cli.show import result, safe  # noqa: PLC0415

    rows = [(f"{one.name}:", _takes(one)) for one in endpoint.takes]
    if endpoint.signature.open:
        what = "the workflow" if endpoint.uses else "the model"
        rows.append(("…", f"anything else that {what} takes"))
    for one in endpoint.gives:
        kind = _kind(str(one.told.kind), many=one.told.many)
        rows.append((f"→ {one.told.name}:", "; ".join(each for each in (kind, one.help) if each)))
    width = max(len(name) for name, _ in rows)
    for name, told in rows:
        result(f"  {safe(name).ljust(width)} {safe(told)}")


def _kind(kind: str, *, many: bool) -> str:
    return f"list of {kind}" if many else kind


def _takes(parameter: "Parameter") -> str:
    """A parameter in words: kind, whether it must be given, choices, range, help."""
    parts = [_kind(str(parameter.kind), many=parameter.many)]
    if parameter.required:
        parts[0] += ", required"
    elif parameter.default is not None:
        parts[0] += f", {json.dumps(parameter.default, ensure_ascii=False)} if left out"
    if parameter.choices:
        parts.append("one of " + ", ".join(map(str, parameter.choices)))
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None:
        parts.append(f"{low:g} to {high:g}")
    elif low is not None:
        parts.append(f"at least {low:g}")
    elif high is not None:
        parts.append(f"at most {high:g}")
    return "; ".join([*parts, parameter.label] if parameter.label else parts)

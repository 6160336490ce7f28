"""What services there are and what one of them takes, for people and as JSON; never the value of a key."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chains.services.model import Service, ServiceEndpoint
from pipelines.household.home import Home
from pipelines.services.keys import key_in
from pipelines.services.library import Found, find_service, is_file_name, service_files
from spaces_registry.errors import ToolkitError
from spaces_registry.signature import Kind, Parameter


@dataclass(frozen=True, slots=True)
class Listing:
    """The services that can be used, and the files that are none, with why."""

    services: tuple[Found, ...]
    broken: tuple[ToolkitError, ...]


def list_services(home: Home) -> Listing:
    """Every service that goes by name; a file with mistakes does not hide the others."""
    services, broken = [], []
    for name in service_files(home):
        try:
            services.append(find_service(name, Path(), home))
        except ToolkitError as error:
            broken.append(error)
    return Listing(tuple(services), tuple(broken))


def one_service(name: str, home: Home) -> Found:
    """The service of a name, or of a file wherever it lies.

    Raises:
        ToolkitError: as `find_service`.
    """
    if not is_file_name(name):
        return find_service(name, Path(), home)
    path = Path(name)
    found = find_service(path.name if path.suffix else f"./{path.name}", path.parent, home)
    return Found(found.service, path, "beside")


def key_words(service: Service, environ: Mapping[str, str]) -> str:
    """A service's key variable and whether it is set: `FAL_KEY (set)`."""
    name, state = key_state(service, environ)
    return f"{name} ({state})" if name else state


def key_state(service: Service, environ: Mapping[str, str]) -> tuple[str, str]:
    """A service's key variable, and `set`, `not set` or `optional`; no name and `none` if it needs no key."""
    if service.auth is None:
        return "", "none"
    name, key = key_in(service, environ)
    return name, "set" if key else "optional" if service.auth.optional else "not set"


def summary_json(found: Found, environ: Mapping[str, str]) -> dict[str, object]:
    """A service in the documented JSON shape."""
    service, auth = found.service, found.service.auth
    key = None
    if auth is not None:
        key = {
            "variables": [*auth.variables],
            "set": key_in(service, environ)[1] is not None,
            "optional": auth.optional,
            "get_one": auth.get_one or None,
        }
    limit = service.limit
    return {
        "name": service.name,
        "about": service.about,
        "home": service.home or None,
        "url": service.url or None,
        "url_from": service.url_from,
        "key": key,
        "limits": {
            "concurrency": limit.concurrency,
            "per_minute": limit.per_minute,
            "per_day": limit.per_day,
        },
        "file": str(found.file),
        "whose": found.whose,
        "endpoints": [*service.endpoints],
    }


def service_json(found: Found, environ: Mapping[str, str]) -> dict[str, object]:
    """A service with all that it takes and gives, in the documented JSON shape."""
    whole = summary_json(found, environ)
    return {**whole, "endpoints": [_endpoint_json(found, one) for one in found.service.endpoints.values()]}


def _endpoint_json(found: Found, endpoint: ServiceEndpoint) -> dict[str, object]:
    return {
        "name": endpoint.name,
        "about": endpoint.about,
        "default": found.service.default == endpoint.name,
        "extra": endpoint.signature.open,
        "parameters": [
            {
                "name": one.name,
                "kind": str(one.kind),
                "many": one.many,
                "required": one.required,
                "default": one.default,
                "choices": None if one.choices is None else [*one.choices],
                "minimum": one.minimum,
                "maximum": one.maximum,
                "help": one.label,
            }
            for one in endpoint.takes
        ],
        "returns": [
            {
                "name": one.told.name,
                "kind": str(one.told.kind),
                "many": one.told.many,
                "optional": one.optional,
                "help": one.help,
            }
            for one in endpoint.gives
        ],
        "example": example(found, endpoint),
    }


def example(found: Found, endpoint: ServiceEndpoint) -> str:
    """A step that calls an endpoint, to copy."""
    name = f"./{found.file.name}" if found.whose == "beside" else found.service.name
    lines = ["steps:", "  made:", f"    service: {name}"]
    if len(found.service.endpoints) > 1:
        lines.append(f"    endpoint: {endpoint.name}")
    if not found.service.url:
        lines.append("    url: https://…")
    needed = [one for one in endpoint.takes if one.required]
    if needed:
        lines.append("    with:")
        lines += [f"      {one.name}: {_value(one)}" for one in needed]
    told = next(iter(endpoint.gives)).told
    return "\n".join([*lines, "outputs:", f"  made: $made.{told.name}"])


def _value(parameter: Parameter) -> str:
    if parameter.kind.is_file or parameter.kind == Kind.GALLERY:
        return f"$inputs.{parameter.name}"
    if parameter.choices:
        return str(parameter.choices[0])
    match parameter.kind:
        case Kind.NUMBER | Kind.INTEGER:
            return f"{parameter.minimum or 1:g}"
        case Kind.BOOLEAN:
            return "true"
        case Kind.JSON:
            return "{}"
    return "owner/name" if parameter.name == "model" else "…"

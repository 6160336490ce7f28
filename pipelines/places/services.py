"""Places that are HTTP vendors, as a service file describes them."""

import os
from collections.abc import Mapping

from chains.model import Chain, ServiceStep
from chains.services.model import ServiceEndpoint
from pipelines.household.home import Home, find_home
from pipelines.places.place import Place
from pipelines.runners.service import ServiceRunner
from pipelines.services.keys import credentials, require_trust, url_of
from pipelines.services.library import Found, find_service
from spaces_registry.network.origin import Origin
from spaces_registry.progress import Spent
from spaces_registry.registry import Registry
from spaces_registry.signature import Endpoint


def service_endpoint(chain: Chain, step: ServiceStep) -> Endpoint | None:
    """What a service takes and returns, by its file.

    Raises:
        UnknownService: there is none of that name.
        InvalidService: its file has mistakes.
        UnknownEndpoint, AmbiguousEndpoint: it has none of that name, or several and none is named.
    """
    found = find_service(step.service, chain.folder, find_home())
    return _endpoint(found, step).signature


def service_place(
    chain: Chain, step: ServiceStep, home: Home, registry: Registry, environ: Mapping[str, str] = os.environ
) -> Place:
    """The place of a service.

    Raises:
        UnknownService, InvalidService, UnknownEndpoint, AmbiguousEndpoint: as `service_endpoint`.
        BadServiceUrl: it is said to be where nothing can be.
        NotTrusted: it would send a key on the chain's word, which the user has not allowed.
        Unauthorized: its key is missing.
    """
    found = find_service(step.service, chain.folder, home)
    service, endpoint = found.service, _endpoint(found, step)
    url = url_of(service, step.url, environ)
    require_trust(found, step, chain.source.file, home, environ)
    known = credentials(service, url, environ)
    address = _address(service.name, endpoint, step)
    secrets = (*known.secrets, *registry.secrets)
    origin = Origin(address, url, registry.client, headers=known.headers, secrets=secrets)
    # another server of the same kind may well answer otherwise
    revision = service.sha256 if url == service.url else f"{service.sha256} at {url}"
    runner = ServiceRunner(service, endpoint, origin)
    return Place(
        kind="service",
        address=address,
        endpoint=endpoint.signature,
        runner=runner,
        reader=runner,
        revision=revision,
        site=url,
        names=(service.name,),
        limit=service.limit,
        price=Spent(usd=endpoint.usage.usd_per_call),
    )


def _endpoint(found: Found, step: ServiceStep) -> ServiceEndpoint:
    return found.service.endpoint(step.endpoint, frozenset(step.arguments))


def _address(name: str, endpoint: ServiceEndpoint, step: ServiceStep) -> str:
    """The service's name, and the model where the chain or the service file names one."""
    if endpoint.model is None:
        return name
    written = step.arguments.get(endpoint.model)
    parameter = endpoint.signature.parameter(endpoint.model)
    model = parameter.default if parameter else None
    if written is not None:
        model = written.literal if written.is_literal else None
    return f"{name} {model}" if isinstance(model, str) and model else name

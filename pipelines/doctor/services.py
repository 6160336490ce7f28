"""Services that go by name: whether their files can be read, and their keys are set. No key is ever shown."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pipelines.doctor.finding import Finding
from pipelines.household.home import Home
from pipelines.services.library import find_service, service_files
from spaces_registry.errors import ToolkitError


def services(environ: Mapping[str, str], home: Home) -> Iterator[Finding]:
    """One finding a service; a key that is not set is nothing wrong, since nobody uses them all."""
    for name in service_files(home):
        try:
            auth = find_service(name, Path(), home).service.auth
        except ToolkitError as failure:
            hint = failure.hint or f"remove or repair it in {home.folder / 'services'}"
            yield Finding(name, "fail", failure.message, hint)
            continue
        variables = auth.variables if auth else ()
        found = next((one for one in variables if environ.get(one)), None)
        facts = {"service": True, "variables": list(variables), "set": found}
        if found is None:
            optional = auth is None or auth.optional
            told = "needs no key" if optional else f"no key; it would be in {' or '.join(variables)}"
            yield Finding(name, "ok", told, facts=facts)
        elif not environ[found].strip().isprintable() or any(one.isspace() for one in environ[found].strip()):
            told = f"what {found} is set to has characters that no key has"
            yield Finding(name, "warn", told, "set it again, without quotes and line ends", facts=facts)
        else:
            yield Finding(name, "ok", f"{found} is set", facts=facts)

"""Places on this machine: media operations and the user's own functions."""

from chains.model import Chain, PythonStep
from pipelines.household.home import Home
from pipelines.household.trust import NotTrusted, fingerprint, is_trusted
from pipelines.places.place import Place
from pipelines.runners.functions import read_function
from pipelines.runners.media import OPERATIONS, MediaRunner, UnknownOperation
from pipelines.runners.python import PythonRunner
from pipelines.runners.python_inside import InsideRunner
from spaces_registry.signature import Endpoint

MEDIA_REVISION = "2"  # goes up when an operation's result changes, so that kept ones are not used for it


def media_place(operation: str) -> Place:
    """The place of a media operation.

    Raises:
        UnknownOperation: there is none of that name.
    """
    if operation not in OPERATIONS:
        raise UnknownOperation(operation)
    return Place("media", f"media {operation}", OPERATIONS[operation], MediaRunner(), revision=MEDIA_REVISION)


def python_endpoint(chain: Chain, step: PythonStep) -> Endpoint:
    """A function's signature, read without running it.

    Raises:
        NoSuchFunction: the file has no such function, or is not there.
    """
    return read_function(chain.folder / step.file, step.function)


def python_place(chain: Chain, step: PythonStep, home: Home) -> Place:
    """The place of a function of the user's.

    Raises:
        NoSuchFunction: the file has no such function, or is not there.
        NotTrusted: the user has not trusted its content, or not in the form in which it is to run.
    """
    file = chain.folder / step.file
    endpoint = python_endpoint(chain, step)
    sha256 = fingerprint(file)
    if not is_trusted(home, sha256, inside=not step.isolate):
        raise NotTrusted(file, chain.source.file, inside=not step.isolate)
    isolated = PythonRunner(file, sha256, step.memory_bytes, tuple(chain.env))
    runner = isolated if step.isolate else InsideRunner(file, sha256)
    return Place("python", f"{step.file}:{step.function}", endpoint, runner, sha256)

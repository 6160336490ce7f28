"""A `python` step's file lies beside the chain."""

from collections.abc import Iterator

from chains.meaning.paths import is_missing, is_outside, unusable
from chains.model import Chain, PythonStep
from chains.problems import Problem


def python_files(chain: Chain) -> Iterator[Problem]:
    """The file is inside the chain's folder, and there."""
    for step in chain.ways:
        if not isinstance(step, PythonStep) or not step.file:
            continue
        if why := unusable(step.file, chain.folder):
            yield Problem(step.file_at, "bad-path", f"the path `{step.file[:80]}` {why}", None, step.name)
        elif is_outside(step.file, chain.folder):
            message = f"`{step.file}` lies outside the chain's folder"
            yield Problem(step.file_at, "outside-folder", message, "put the file beside the chain", step.name)
        elif is_missing(step.file, chain.folder):
            message = f"there is no file `{step.file}` beside the chain"
            yield Problem(step.file_at, "missing-file", message, None, step.name)

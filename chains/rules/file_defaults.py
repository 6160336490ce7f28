"""A file that is an input's default lies beside the chain."""

from collections.abc import Iterator

from chains.meaning.paths import is_hidden, is_missing, is_outside, is_url, unusable
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.signature import Kind


def file_defaults(chain: Chain) -> Iterator[Problem]:
    """A default is an address on the web, or a file inside the chain's folder that is there."""
    for name, one in chain.inputs.items():
        if not (one.kind.is_file or one.kind == Kind.GALLERY):
            continue
        at = chain.source.at(("inputs", name, "default"))
        for file in one.default if isinstance(one.default, list) else [one.default]:
            if not isinstance(file, str) or is_url(file):
                continue
            if why := unusable(file, chain.folder):
                yield Problem(at, "bad-path", f"the default of `{name}`, the path `{file[:80]}`, {why}")
            elif is_outside(file, chain.folder):
                message = f"the default of `{name}` lies outside the chain's folder: `{file[:80]}`"
                yield Problem(
                    at,
                    "outside-folder",
                    message,
                    f"hand it in when you run the chain: `-i {name}={file[:80]}`",
                )
            elif is_hidden(file, chain.folder):
                message = (
                    f"the default of `{name}` is a hidden file, which a chain may not read: `{file[:80]}`"
                )
                yield Problem(
                    at, "hidden-file", message, f"hand it in if it is meant: `-i {name}={file[:80]}`"
                )
            elif is_missing(file, chain.folder):
                yield Problem(at, "missing-file", f"there is no file `{file[:80]}` beside the chain")

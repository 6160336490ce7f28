"""A file that is written out as an argument lies beside the chain."""

from collections.abc import Iterator, Mapping

from chains.language.evaluate import EvaluationFailed
from chains.meaning.arguments import every_argument
from chains.meaning.paths import is_hidden, is_missing, is_outside, is_url, unusable
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.signature import Endpoint


def literal_files(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """A chain reads no file but those in its own folder and those handed in."""
    for argument in every_argument(chain, endpoints):
        step, template = argument.callee.step, argument.template
        if not argument.parameter.takes_file:
            continue
        try:
            value = template.literal if template.is_literal else None
        except EvaluationFailed:
            continue  # that it fails is another rule's
        for file in value if isinstance(value, list) else [value]:
            if not isinstance(file, str) or is_url(file):
                continue
            if why := unusable(file, chain.folder):
                yield Problem(template.at, "bad-path", f"the path `{file[:80]}` {why}", None, step.name)
            elif is_outside(file, chain.folder):
                message = f"`{file[:80]}` lies outside the chain's folder"
                hint = "make it an input, and hand it in when you run the chain"
                yield Problem(template.at, "outside-folder", message, hint, step.name)
            elif is_hidden(file, chain.folder):
                message = f"`{file[:80]}` is a hidden file, which a chain may not read"
                hint = "make it an input, and hand it in when you run the chain if it is meant"
                yield Problem(template.at, "hidden-file", message, hint, step.name)
            elif is_missing(file, chain.folder):
                message = f"there is no file `{file[:80]}` beside the chain"
                yield Problem(template.at, "missing-file", message, None, step.name)

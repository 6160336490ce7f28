"""An output of the chain does not hang on a step that may be skipped."""

from collections.abc import Iterator

from chains.model import Chain
from chains.problems import Problem


def skipped_outputs(chain: Chain) -> Iterator[Problem]:
    """An output that reads only from a step with `when` will sometimes be missing."""
    maybe = _skippable(chain)
    for name, template in chain.outputs.items():
        for one in template.references:
            if one.root in maybe and not one.guarded:
                cause = maybe[one.root]
                message = f"the output `{name}` is missing whenever `when` skips step `{cause}`"
                if cause != one.root:
                    message += f", which `{one.root}` reads from"
                hint = f"offer another: `${{{{ {str(one)[1:]} or other.part }}}}`"
                yield Problem(one.at, "may-be-skipped", message, hint, severity="warning")


def _skippable(chain: Chain) -> dict[str, str]:
    """Every step that may be skipped, with the step whose `when` is the cause."""
    readers: dict[str, set[str]] = {}
    for name, step in chain.steps.items():
        # what a fallback reads is missed only when the fallback is called
        for one in (one for template in step.own_templates for one in template.references):
            if not one.guarded:
                readers.setdefault(one.root, set()).add(name)
    found = {name: name for name, step in chain.steps.items() if step.when and not step.when.is_literal}
    waiting = [*found]
    while waiting:
        cause = waiting.pop()
        for name in sorted(readers.get(cause, ())):
            if name not in found:
                found[name] = found[cause]
                waiting.append(name)
    return found

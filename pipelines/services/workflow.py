"""Workflows of the user's, as ComfyUI saves them for its API: filled in with a step's arguments."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from chains.services.model import ServiceEndpoint
from spaces_registry.errors import RejectedInput, nearest
from spaces_registry.network.decoding import decoded
from spaces_registry.signature import File

_GAP: Final = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")


def filled_workflow(
    place: str, workflow: object, arguments: Mapping[str, object], endpoint: ServiceEndpoint
) -> object:
    """A workflow with its gaps and its nodes' inputs filled in.

    Args:
        place: how to call the service in messages.
        workflow: a JSON file, or its content.
        arguments: what fills it in: by the name of a gap, or as `node.input` with a node's id or title.
        endpoint: whose parameters need no place in the workflow if its body mentions them.

    Raises:
        RejectedInput: it is no workflow, an argument has no place in it, or a gap no argument.
    """
    content = _content(place, workflow)
    if "nodes" in content and "links" in content:
        hint = "in ComfyUI choose Export (API), which saves what its API takes"
        raise RejectedInput(place, f"{place}: this workflow is saved for ComfyUI's page", hint=hint)
    used: set[str] = set()
    gaps: set[str] = set()
    result: dict[str, Any] = _with_gaps(content, arguments, used, gaps)
    if missing := sorted(gaps - arguments.keys()):
        message = (
            f"{place}: the workflow has the gap {{{{ {missing[0]} }}}}, and no argument of that name is given"
        )
        raise RejectedInput(place, message, hint=f"add it under `with`: {missing[0]}: …")
    elsewhere = {one.name for one in endpoint.takes}
    for name, value in arguments.items():
        if "." in name:
            _set(place, result, name, value)
        elif name not in used and name not in elsewhere:
            hint = (
                nearest(name, sorted(gaps))
                or f"write {{{{ {name} }}}} where it belongs, or give it as node.input"
            )
            raise RejectedInput(place, f"{place}: the workflow has no place for {name!r}", hint=hint)
    return result


def _content(place: str, workflow: object) -> Mapping[str, Any]:
    content: object = workflow
    if isinstance(workflow, File):
        try:
            content = decoded(Path(workflow.path).read_bytes())
        except (OSError, ValueError) as cause:
            hint = "save it in ComfyUI with Workflow → Export (API)"
            raise RejectedInput(place, f"{place}: the workflow is no JSON file", hint=hint) from cause
    if not isinstance(content, Mapping) or not content:
        raise RejectedInput(place, f"{place}: the workflow is no JSON object of nodes")
    return content


def _with_gaps(value: Any, arguments: Mapping[str, object], used: set[str], gaps: set[str]) -> Any:
    match value:
        case Mapping():
            return {name: _with_gaps(one, arguments, used, gaps) for name, one in value.items()}
        case str():
            found = _GAP.findall(value)
            gaps.update(found)
            used.update(found)
            if any(one not in arguments for one in found):
                return value
            if found and _GAP.fullmatch(value.strip()):
                return arguments[found[0]]  # it keeps its type
            return _GAP.sub(lambda gap: str(arguments[gap[1]]), value)
        case Sequence():
            return [_with_gaps(one, arguments, used, gaps) for one in value]
    return value


def _set(place: str, workflow: dict[str, Any], name: str, value: object) -> None:
    """Set the input of a node, named by its id or its title."""
    node_name, _, key = name.rpartition(".")
    titled = [
        number for number, one in workflow.items() if isinstance(one, dict) and _title(one) == node_name
    ]
    if node_name not in workflow and len(titled) > 1:
        message = f"{place}: the workflow has several nodes {node_name!r}: {', '.join(titled)}"
        raise RejectedInput(place, message, hint=f"name one by its number: {titled[0]}.{key}")
    node = workflow.get(node_name) or (workflow[titled[0]] if titled else None)
    if not isinstance(node, dict) or not isinstance(node.get("inputs"), dict):
        offered = [*workflow, *(_title(one) for one in workflow.values() if isinstance(one, dict))]
        message = f"{place}: the workflow has no node {node_name!r}"
        raise RejectedInput(place, message, hint=nearest(node_name, offered))
    if key not in node["inputs"]:
        message = f"{place}: node {node_name!r} of the workflow has no input {key!r}"
        raise RejectedInput(place, message, hint=nearest(key, node["inputs"]))
    node["inputs"][key] = value


def _title(node: Mapping[str, Any]) -> str:
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    return str(title or node.get("class_type") or "")

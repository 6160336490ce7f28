"""The graph of a chain: who waits for whom. networkx is loaded only when one of these is called."""

import re
from typing import TYPE_CHECKING

from chains.model import (
    Chain,
    ChainStep,
    FindStep,
    MediaStep,
    ModelStep,
    PythonStep,
    ServiceStep,
    SpaceStep,
    Step,
)

if TYPE_CHECKING:
    from networkx import DiGraph


def graph_of(chain: Chain) -> "DiGraph[str]":
    """A node a step, an edge from each step to those that wait for it; unknown steps are left out."""
    import networkx as nx  # noqa: PLC0415 - heavy, and not everybody needs it

    graph: DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(chain.steps)
    graph.add_edges_from(
        (one, step.name) for step in chain.steps.values() for one in step.reads if one in chain.steps
    )
    return graph


def order(chain: Chain) -> tuple[tuple[str, ...], ...]:
    """The steps in layers: each waits only for earlier layers; inside a layer the file's order.

    Steps that wait for each other in a circle, and those behind them, are in no layer.
    """
    waits = {name: {one for one in step.reads if one in chain.steps} for name, step in chain.steps.items()}
    readers: dict[str, list[str]] = {name: [] for name in waits}
    for name, reads in waits.items():
        for one in reads:
            readers[one].append(name)
    place = {name: at for at, name in enumerate(chain.steps)}
    layers: list[tuple[str, ...]] = []
    layer = [name for name, reads in waits.items() if not reads]
    while layer:
        layers.append(tuple(sorted(layer, key=place.__getitem__)))
        behind: list[str] = []
        for done in layer:
            for name in readers[done]:
                waits[name].discard(done)
                if not waits[name]:
                    behind.append(name)
        layer = behind
    return tuple(layers)


def cycles(chain: Chain) -> tuple[tuple[str, ...], ...]:
    """A shortest circle for every group of steps that wait for each other.

    Each begins at its step that stands first in the file, and does not name it again at the end; a step that
    waits for itself is none.
    """
    import networkx as nx  # noqa: PLC0415 - heavy, and not everybody needs it

    graph = graph_of(chain)
    graph.remove_edges_from([*nx.selfloop_edges(graph)])
    place = {name: at for at, name in enumerate(chain.steps)}
    found = []
    for group in nx.strongly_connected_components(graph):
        if len(group) > 1:
            start = min(group, key=place.__getitem__)
            inside = graph.subgraph(group)
            back = min(
                (
                    nx.shortest_path(inside, one, start)
                    for one in sorted(inside.successors(start), key=place.__getitem__)
                ),
                key=len,
            )
            # an edge leads from what is read to its reader; a person thinks the other way round
            found.append((start, *reversed(back[:-1])))
    return tuple(sorted(found, key=lambda one: place[one[0]]))


def cycle(chain: Chain) -> tuple[str, ...] | None:
    """The first circle, if the chain has one: each step waits for the next, the last for the first."""
    return next(iter(cycles(chain)), None)


def downstream(chain: Chain, step: str) -> tuple[str, ...]:
    """Every step that waits for this one, directly or through others, in the file's order."""
    import networkx as nx  # noqa: PLC0415 - heavy, and not everybody needs it

    below = nx.descendants(graph_of(chain), step)
    return tuple(name for name in chain.steps if name in below)


def mermaid(chain: Chain) -> str:
    """The chain as a Mermaid flowchart, for Markdown pages; ends without a line end."""
    ids = {name: f"s{at}" for at, name in enumerate(chain.steps)}
    lines = ["flowchart LR"]
    lines += [f'  {ids[name]}["{_label(step)}"]' for name, step in chain.steps.items()]
    lines += [f'  o{at}(["{_escaped(name)}"])' for at, name in enumerate(chain.outputs)]
    for name, step in chain.steps.items():
        arrow = "-.->" if step.when else "-->"
        lines += [f"  {ids[one]} {arrow} {ids[name]}" for one in step.reads if one in ids]
    for at, template in enumerate(chain.outputs.values()):
        roots = dict.fromkeys(one.root for one in template.references if one.root in ids)
        lines += [f"  {ids[root]} --> o{at}" for root in roots]
    return "\n".join(lines)


def _label(step: Step) -> str:
    match step:
        case FindStep():
            what = f"find: {step.words}"
        case SpaceStep():
            what = step.space
        case MediaStep():
            what = f"media: {step.operation}"
        case PythonStep():
            what = f"python: {step.file}:{step.function}"
        case ModelStep():
            what = f"model: {step.model}"
        case ServiceStep():
            what = f"service: {step.service}"
        case ChainStep():
            what = f"chain: {step.chain}"
    return f"{_escaped(step.name)}<br/>{_escaped(what)}"


def _escaped(text: str) -> str:
    """Text that is safe inside a quoted Mermaid label."""
    return re.sub(r"[^\w ./:-]", lambda found: f"#{ord(found[0])};", text)

"""Who waits for whom."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chains import Chain, load
from chains.graph import cycle, downstream, graph_of, mermaid, order

ChainOf = Callable[[str], Chain]
FILM = load(Path(__file__).parent / "valid" / "short-film.yaml")
CIRCLES = """
steps:
  free: {space: o/a}
  a: {space: o/a, with: {x: $c.text}}
  b: {space: o/a, with: {x: $a.text}}
  c: {space: o/a, with: {x: $b.text, y: $free.text}}
  behind: {space: o/a, needs: a}
"""


def test_steps_come_in_layers_in_the_files_order() -> None:
    """What can run at once is shown at once."""
    assert order(FILM) == (("image", "voice"), ("clip",), ("film",))


def test_a_circle_begins_with_its_first_step_in_the_file(chain_of: ChainOf) -> None:
    """The same file must give the same message every time."""
    chain = chain_of(CIRCLES)

    assert cycle(chain) == ("a", "c", "b")
    assert order(chain) == (("free",),)
    assert cycle(FILM) is None


def test_downstream_is_everything_that_would_run_again() -> None:
    """`--redo STEP` repeats a step and what follows from it, and nothing else."""
    assert downstream(FILM, "image") == ("clip", "film")
    assert downstream(FILM, "film") == ()


def test_the_graph_has_an_edge_for_everything_that_is_read() -> None:
    """It is networkx's graph, so that everything networkx knows can be asked."""
    assert sorted(graph_of(FILM).edges) == [("clip", "film"), ("image", "clip"), ("voice", "film")]


def test_a_thousand_steps_in_a_row_have_an_order(chain_of: ChainOf) -> None:
    """A long chain must not meet a limit of recursion."""
    steps = "\n".join(f"  s{at}: {{space: o/a, with: {{x: $s{at - 1}.text}}}}" for at in range(1, 1000))
    chain = chain_of(f"steps:\n  s0: {{space: o/a}}\n{steps}\n")

    assert len(order(chain)) == 1000
    assert len(downstream(chain, "s0")) == 999


@pytest.mark.parametrize(
    "line", ['  s0["image<br/>Tongyi-MAI/Z-Image-Turbo"]', "  s0 --> s1", '  o0(["film"])', "  s3 --> o0"]
)
def test_mermaid_shows_steps_edges_and_outputs(line: str) -> None:
    """A chain can be pasted into a README as a picture."""
    assert line in mermaid(FILM).split("\n")


def test_mermaid_is_safe_against_what_stands_in_a_chain(chain_of: ChainOf) -> None:
    """A name from a stranger's recipe must not become markup on a page."""
    drawn = mermaid(
        chain_of("steps:\n  end: {media: '\"]<script>'}\n  b: {space: o/a, when: end.text == 1}\n")
    )

    assert "<script>" not in drawn
    assert drawn.count('"') == 4
    assert "  s0 -.-> s1" in drawn

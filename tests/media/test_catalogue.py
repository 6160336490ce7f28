import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.runners.media import OPERATIONS
from spaces_registry.signature import Kind

PAGE = Path(__file__).parents[2] / "docs" / "media.md"


def row(parameter):
    """One line of the page's table."""
    kind = f"list of {parameter.kind}" if parameter.many else str(parameter.kind)
    if parameter.required:
        default = "**needed**"
    elif parameter.default is None:
        default = ""
    else:
        shown = str(parameter.default)
        default = f"`{shown.lower() if isinstance(parameter.default, bool) else shown}`"
    allowed = ""
    if parameter.choices:
        allowed = " ".join(f"`{one}`" for one in parameter.choices) + (
            "" if parameter.closed else " or a number"
        )
    elif parameter.minimum is not None:
        allowed = f"{parameter.minimum:g} to {parameter.maximum:g}"
    return f"| `{parameter.name}` | {kind} | {default} | {allowed} | {parameter.label} |"


def section(endpoint):
    """What the page has to say about one operation."""
    (returned,) = endpoint.returns
    kind = f"list of {returned.kind}" if returned.many else returned.kind
    gives = f"{kind}, as `{returned.name}`"
    head = ["| parameter | kind | default | allowed | |", "|---|---|---|---|---|"]
    rows = [row(one) for one in endpoint.parameters]
    return "\n".join([f"### {endpoint.name}", endpoint.description, f"Gives: {gives}.", "", *head, *rows])


def test_the_page_says_what_the_operations_take():
    """A user reads the page, a check reads the table; they must not disagree."""
    text = PAGE.read_text(encoding="utf-8")

    assert re.findall(r"^### (\S+)$", text, re.MULTILINE) == list(OPERATIONS)
    for endpoint in OPERATIONS.values():
        assert section(endpoint) in text


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_signature_is_one_that_binding_can_work_with(name):
    """One return of a static kind, every default allowed, and every optional one either defaulted or None."""
    endpoint = OPERATIONS[name]

    assert endpoint.name == name
    assert len(endpoint.returns) == 1
    assert endpoint.returns[0].kind in {Kind.VIDEO, Kind.AUDIO, Kind.IMAGE, Kind.JSON}
    for parameter in endpoint.parameters:
        assert parameter.label
        if parameter.choices:
            assert parameter.default in parameter.choices
        if parameter.default is not None and parameter.minimum is not None:
            assert parameter.minimum <= parameter.default <= parameter.maximum


def test_the_table_is_there_without_pillow_or_an_ffmpeg():
    """`check` reads it, on machines that never call an operation."""
    program = (
        "import sys; from pipelines.runners.media import OPERATIONS\n"
        "print({'PIL', 'imageio_ffmpeg', 'numpy', 'puremagic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"

"""Imports point one way, and what a command does not need it does not import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDER = ("spaces_registry", "chains", "pipelines", "spacechain")
NETWORK = ("httpx2", "httpx", "gradio_client", "huggingface_hub", "requests", "urllib.request", "aiohttp")
MAY_USE_NETWORK = (
    "spaces_registry/",  # app, hub, registry and what they are made of
    "pipelines/runners/",
    "pipelines/services/",  # the runner of services, in a room of its own
    "pipelines/household/fetch.py",  # a URL that the user hands in
)


def modules(package: str) -> list[Path]:
    """Every module of a package."""
    return sorted((ROOT / package).rglob("*.py"))


def imported(file: Path) -> set[str]:
    """The names of all modules that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
    return names


@pytest.mark.parametrize("package", ORDER)
def test_imports_point_one_way(package):
    """The ground floor knows nothing of what stands on it, so each floor can be understood alone."""
    above = ORDER[ORDER.index(package) + 1 :]
    wrong = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in modules(package)
        for name in imported(file)
        if name.split(".")[0] in above
    }
    assert not wrong


def test_only_the_seams_touch_the_network():
    """What a client library raises must have one place each where it becomes our own."""
    wrong = {
        f"{relative} imports {name}"
        for package in ORDER
        for file in modules(package)
        for relative in [file.relative_to(ROOT).as_posix()]
        for name in imported(file)
        if name.startswith(NETWORK) and not relative.startswith(MAY_USE_NETWORK)
    }
    assert not wrong


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["recipes"], ["schema"]])
def test_a_command_does_not_import_what_it_does_not_need(words):
    """A command line that takes seconds to say its own options is not used twice."""
    heavy = ("gradio", "gradio_client", "networkx", "huggingface_hub", "numpy", "PIL")
    code = (
        "import sys, contextlib, io\n"
        "from pipelines.cli import main\n"
        "sys.argv = ['spacechain', *sys.argv[1:]]\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    try: main()\n"
        "    except SystemExit as end: assert not end.code, end.code\n"
        f"print([name for name in {heavy!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_is_too_long_to_read():
    """A room that nobody can survey is a room where bugs live."""
    long = {
        f"{file.relative_to(ROOT)}: {lines}"
        for package in ORDER
        for file in modules(package)
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > 420
    }
    assert not long

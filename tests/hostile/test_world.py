"""The world around a command: streams, folders, names and limits as they should not be, met by every command.

None of it is a fault of ours: each command ends as documented, in words, and a run's results are never lost.
"""

import fcntl
import json
import os
import re
import sqlite3
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from servers import Server, serve

WORKBENCH = Path(__file__).parents[1] / "pipelines" / "apps" / "workbench.py"
DOCUMENTED = {0, 1, 2, 4, 5}
FAULT = re.compile(r"fault of spacechain|Traceback|Exception ignored|lost sys\.stderr|Fatal Python")
CHAIN = """
name: mini
inputs: {text: {kind: text, default: héllo}, picture: {kind: image, required: false}}
steps:
  say: {space: "bench", endpoint: /shout, with: {text: $inputs.text}}
  draw: {space: "bench", endpoint: /draw, with: {colour: red}}
  small: {media: resize, with: {image: "${{ inputs.picture or draw.images[0] }}", width: 8, height: 8}}
outputs: {small: $small.image, said: $say.text}
"""
COMMANDS = (
    "run chain.yaml",
    "run chain.yaml --json",
    "run chain.yaml --events",
    "resume last",
    "check chain.yaml",
    "plan chain.yaml",
    "describe chain.yaml",
    "lock chain.yaml",
    "batch chain.yaml table.csv",
    "runs",
    "show last",
    "report last",
    "store --prune",
    "usage",
    "doctor --offline",
    "call bench /shout text=é",
    "inspect bench",
    "models",
    "services",
    "media",
    "recipes",
    "templates",
    "trust chain.yaml",
    "schema",
    "help run",
    "--version",
    "nosuch",
    "check nosuch.yaml",
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: bytes
    err: bytes

    @property
    def said(self) -> str:
        """All that it printed."""
        return (self.out + self.err).decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class World:
    """A folder with a chain, a table and a home in which a run was made, and an app that the chain calls."""

    folder: Path
    app: Server

    def spacechain(self, words: str, around: str = "{}", **env: str | bytes | None) -> Ended:
        """Run a command in a shell.

        Args:
            words: the command's; `bench` in them is the app's address.
            around: what the shell is to do, with the command at `{}`.
            env: added to the environment; what is None is taken out of it.
        """
        command = f"{sys.executable} -m pipelines.cli {words.replace('bench', self.app.url)}"
        names = {os.fsencode(name): value for name, value in env.items()}
        own = {b"SPACECHAIN_HOME": os.fsencode(self.folder / "home"), b"PYTHONPATH": ROOT}
        own[b"PYTHONDONTWRITEBYTECODE"] = b"1"  # under a low limit of size Python keeps halves of such files
        base = {**os.environb, **own}
        changed = {name: os.fsencode(value) for name, value in names.items() if value is not None}
        kept = {name: value for name, value in base.items() if name not in names}
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {around.format(command)}"],
            cwd=self.folder,
            env={**kept, **changed},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=100,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def runs(self) -> dict[str, str]:
        """How the runs ended, by id."""
        told = [json.loads(one.read_text()) for one in self.folder.glob("outputs/mini/*/run.json")]
        return {one["run"]: one["status"] for one in told}


ROOT = os.fsencode(Path(__file__).parents[2])


@pytest.fixture(scope="module")
def _app() -> Iterator[Server]:
    with serve(WORKBENCH) as server:
        yield server


@pytest.fixture(scope="module")
def world(_app, tmp_path_factory) -> World:
    """A user's folder, in which a run was made."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "chain.yaml").write_text(CHAIN.replace("bench", _app.url))
    (folder / "table.csv").write_text("text\na\nb\n")
    here = World(folder, _app)
    assert here.spacechain("run chain.yaml").code == 0
    return here


@pytest.mark.parametrize(
    ("around", "code"),
    [
        ("{} <&-", 0),
        ("{} >&-", 1),
        ("{} 2>&-", 0),
        ("{} <&- >&- 2>&-", 1),
        ("{} >/dev/full", 1),
        ("{} 2>/dev/full", 0),
        ("{} 0</dev/null >&0", 1),
        ("{} | head -n 1", 0),
        ("{} | true", 0),
        ("{{ {} 2>&1 >/dev/null | true; }}", 0),
    ],
)
def test_a_run_is_made_and_kept_whoever_reads_what_it_says(world, around, code):
    """What is paid for is not lost to a full disk under a log, or a pipe into `head`; the exit code tells."""
    before = world.runs()
    done = world.spacechain("run chain.yaml --fresh --events", around)

    new = {run: status for run, status in world.runs().items() if run not in before}
    assert [*new.values()] == ["succeeded"], done.said
    assert done.code == code, done.said
    assert not FAULT.search(done.said)


@pytest.mark.parametrize("around", ["{} 2>&-", "{} 2>/dev/full", "{{ {} 2>&1 >/dev/null | true; }}"])
def test_a_run_is_made_whoever_reads_how_it_goes(world, around):
    """Its progress is told on stderr, from within the calls that it is about."""
    before = world.runs()
    done = world.spacechain("run chain.yaml --fresh", around)

    new = {run: status for run, status in world.runs().items() if run not in before}
    assert ([*new.values()], done.code) == (["succeeded"], 0), done.said
    assert not FAULT.search(done.said)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("around", ["{} <&- >&- 2>&-", "{} >/dev/full", "{} | true"])
def test_every_command_ends_as_documented_without_streams(world, around):
    """A cron job or a service may have none of them: no command is the one that still trips over it."""
    ended = {words: world.spacechain(words, around) for words in COMMANDS}

    assert {words: one.said for words, one in ended.items() if one.code not in DOCUMENTED} == {}
    assert {words: one.said for words, one in ended.items() if FAULT.search(one.said)} == {}


def test_output_that_cannot_be_written_is_told_with_the_reason(world):
    """A script that took an empty file for a result would go on with nothing."""
    done = world.spacechain("runs", "{} >/dev/full")

    assert done.code == 2
    assert b"the output cannot be written: no space left on device [storage-failed]" in done.err


def test_a_full_pipe_that_does_not_block_is_waited_for(world):
    """Some programs make their pipes so for themselves, and the end of a long document got lost in them."""
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    room = fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    line = [sys.executable, "-m", "pipelines.cli", "schema"]
    process = subprocess.Popen(
        line, stdout=theirs, cwd=world.folder, env={**os.environb, b"PYTHONPATH": ROOT}
    )
    os.close(theirs)
    waiting = bytearray(4)
    while int.from_bytes(waiting, sys.byteorder) < room and process.poll() is None:
        fcntl.ioctl(ours, termios.FIONREAD, waiting)
    with open(ours, "rb") as file:  # noqa: PTH123 - a pipe's end
        document = json.loads(file.read())

    assert process.wait(60) == 0
    assert document["title"] == "spacechain chain"


@pytest.mark.timeout(300)
def test_in_a_folder_that_was_removed_every_command_says_so(world):
    """The shell still stands in it, after a `git checkout` elsewhere: one line, not a fault of ours."""
    around = "mkdir gone && cd gone && rmdir ../gone && {}"
    helping = {"--version", "help run"}
    ended = {words: world.spacechain(words, around) for words in COMMANDS}

    assert {words for words, one in ended.items() if one.code != 2} == helping, ended
    assert all(b"[no-current-folder]" in one.err for words, one in ended.items() if words not in helping)
    assert not any(FAULT.search(one.said) for one in ended.values())


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"SPACECHAIN_HOME": "~nobody-of-this-name/x"}, "no-home"),
        ({"SPACECHAIN_HOME": "/dev/null"}, "a file stands where a folder is needed"),
        ({"SPACECHAIN_HOME": "/proc/nothing/here"}, "SPACECHAIN_HOME"),
        ({"SPACECHAIN_HOME": f"/tmp/{'x' * 300}"}, "File name too long"),  # noqa: S108 - never made
    ],
)
@pytest.mark.parametrize("words", ["run chain.yaml", "usage"])
def test_a_home_that_cannot_be_is_told_with_the_way_out(world, words, variables, told):
    """Containers and services run without one: the line names the variable that helps."""
    done = world.spacechain(words, **variables)

    assert done.code == 2, done.said
    assert told in " ".join(done.said.split()), done.said
    assert not FAULT.search(done.said)


@pytest.mark.parametrize("words", ["--help", "--version", "help run"])
def test_help_needs_no_home(world, words):
    """It is what a person asks whose first command failed."""
    assert world.spacechain(words, SPACECHAIN_HOME="~nobody-of-this-name/x").code == 0


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "POSIX", "LANG": None},
        {"LC_ALL": "xx_YY.nonsense"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"},
        {"TERM": "dumb"},
        {"TERM": None},
        {"COLUMNS": "1", "LINES": "1"},
        {"COLUMNS": "0"},
        {"COLUMNS": "many"},
        {"TZ": "nonsense"},
        {"TZ": "AAA-167:59:59"},
        {"USER": None, "LOGNAME": None},
        {"TMPDIR": "/nonexistent"},
    ],
)
def test_odd_variables_change_nothing_about_a_run(world, variables):
    """Its JSON says the same in every locale, and a narrow or nameless terminal breaks nothing."""
    env = {"COLUMNS": None, **variables}
    made = world.spacechain("run chain.yaml --json", **env)
    shown = world.spacechain("show last", **env)

    assert made.code == 0, made.said
    assert json.loads(made.out)["outputs"]["said"]["value"] == "HÉLLO"
    assert shown.code == 0, shown.said


@pytest.mark.parametrize(
    ("around", "told"),
    [
        ("umask 777; {}", ""),
        ("umask 000; {}", ""),
        ("ulimit -n 64; {}", ""),
        ("ulimit -s 256; {}", ""),
        ("nice -n 19 {}", ""),
        ("ulimit -f 1; {}", "ulimit -f"),
    ],
)
def test_limits_of_the_machine_are_kept_to_or_told(world, around, told):
    """A shell with low limits is the user's; a file that may not grow is told like a full disk."""
    done = world.spacechain(f"run chain.yaml --fresh --out {'x' if told else 'outputs'}", around)

    assert done.code == (0 if not told else 2), done.said
    assert told in done.said
    assert not FAULT.search(done.said)


def test_a_clock_that_was_set_back_loses_nothing(world, tmp_path):
    """A laptop whose clock was years ahead: what was made then is kept, and found."""
    elsewhere = World(tmp_path, world.app)
    (tmp_path / "chain.yaml").write_text(CHAIN.replace("bench", world.app.url))
    assert elsewhere.spacechain("run chain.yaml").code == 0
    journal = sqlite3.connect(tmp_path / "home" / "journal.db")
    for table in ("sent", "received", "runs", "happened", "artifacts", "turns"):
        journal.execute(f"UPDATE {table} SET at = at + 3e8")  # noqa: S608 - of our own names
    journal.commit()
    journal.close()
    again = elsewhere.spacechain("run chain.yaml --json")

    assert again.code == 0, again.said
    assert all(step["cached"] for step in json.loads(again.out)["steps"].values())
    assert [elsewhere.spacechain(words).code for words in ("usage", "runs", "doctor --offline")] == [0] * 3


def test_paths_of_any_bytes_serve_for_home_folder_chain_table_and_picture(world, tmp_path):
    """Names from an old disk or archive are no UTF-8, and names all the same; they come out as they are."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/w\xff\xe9"))
    folder.mkdir()
    elsewhere = World(folder, world.app)
    chain, table, picture = (os.fsdecode(name) for name in (b"c\xff.yaml", b"t\xfe.csv", b"p\xfd.png"))
    (folder / chain).write_text(CHAIN.replace("bench", world.app.url))
    (folder / table).write_text("text\na\n")
    with (folder / picture).open("wb") as file:
        Image.new("RGB", (20, 20), "red").save(file, "png")

    run = elsewhere.spacechain(f"run {chain} -i picture={picture}")
    assert run.code == 0, run.said
    assert (folder / os.fsdecode(run.out.splitlines()[-1])).is_file()
    shown = elsewhere.spacechain("show last --json")
    assert Path(json.loads(shown.out)["outputs"]["small"]["path"]).is_relative_to(folder)
    for words in (
        f"run {chain} --json --fresh",
        "resume last",
        "report last",
        "runs --json",
        f"check {chain} --json",
        f"plan {chain}",
        f"batch {chain} {table} --json",
        f"call bench /measure picture={picture}",
        f"lock {chain}",
        "store --prune --json",
        "rm last",
    ):
        done = elsewhere.spacechain(words)
        assert done.code == 0, (words, done.said)


@pytest.mark.parametrize(
    "words", ["find a\udcff", "new a\udcff", "call bench /shout text=\udcff", "run \udcff"]
)
def test_words_that_are_no_text_are_told(world, words):
    """A terminal of another encoding sends bytes that are no UTF-8, where only text can go."""
    done = world.spacechain(words)

    assert done.code == 2, done.said
    assert not FAULT.search(done.said)
    assert not [*world.folder.glob("a*.yaml")]

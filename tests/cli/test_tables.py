"""Tables: whole where a program reads them, cut to the width of a terminal where a person does."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping

FACTS: Mapping[str, str] = {"PYTHONIOENCODING": "utf-8", "TERM": "xterm"}
SCRIPT = """
from pipelines.cli.show import table
table(("SPACE", "ABOUT", "TAKES"), [("owner/a-name-that-is-copied", "words " * 20, "prompt, " * 20)])
"""


def on_terminal(script: str, columns: int) -> str:
    """What a script shows on a terminal so wide."""
    ours, theirs = pty.openpty()
    facts = {**os.environ, **FACTS, "COLUMNS": str(columns)}
    subprocess.run([sys.executable, "-c", script], stdout=theirs, env=facts, check=True)
    os.close(theirs)
    with os.fdopen(ours, "rb") as screen:
        return screen.read1().decode()


def test_a_table_fits_the_terminal_and_keeps_the_names_that_are_copied():
    """Lines that wrap are no table; the first column is what the next command is given."""
    lines = on_terminal(SCRIPT, 80).splitlines()

    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("owner/a-name-that-is-copied  words ")
    assert lines[1].endswith("…")


def test_a_table_that_a_program_reads_is_whole(capsys) -> None:
    """`spacechain models | grep …` must not lose the half of a name."""
    exec(SCRIPT)  # noqa: S102 - the same lines, without a terminal

    assert "…" not in capsys.readouterr().out


def test_columns_that_can_be_spared_go_before_others_are_cut():
    """A time of three characters and `…` tells nobody when it was."""
    script = SCRIPT.replace('20, "prompt, " * 20)])', '1, "prompt, " * 20)], spare=1)').replace(
        "words ", "words"
    )
    lines = on_terminal(script, 60).splitlines()

    assert [line.split() for line in lines] == [["SPACE", "ABOUT"], ["owner/a-name-that-is-copied", "words"]]


def test_a_name_that_a_command_takes_is_never_cut():
    """The id of a run is typed again, however narrow the terminal is."""
    script = SCRIPT.replace("owner/a-name-that-is-copied", "20261121-051200-ab12cd").replace(
        '"prompt, " * 20)', '"prompt, " * 20, *["more " * 9] * 4)'
    )
    script = script.replace('"TAKES")', '"TAKES", "A", "B", "C", "D")')

    assert "20261121-051200-ab12cd  " in on_terminal(script, 60)

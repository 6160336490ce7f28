"""`.env` saves people from keys in their shell's history; it must not be a way into their accounts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.household.dotenv import BadDotenv, apply_dotenv, read_dotenv
from pipelines.household.home import Home


@pytest.fixture
def write(tmp_path):
    """Write a `.env` into a folder of this test's."""

    def make(text: str | bytes, folder: str = "here") -> Path:
        path = tmp_path / folder / ".env"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=one", "one"),
        ("  export A = one two  ", "one two"),
        ("A=one # a comment", "one"),
        ("A=one#two", "one#two"),
        ("A=", ""),
        ("A=# nothing", ""),
        ('A="one # two" # three', "one # two"),
        (r'A="say \"hi\"\n"', 'say "hi"\n'),
        (r"A='as it \n is'", r"as it \n is"),
        ("A='two\nlines'\nB=3", "two\nlines"),
        ("A=$HOME/${B}", "$HOME/${B}"),
        ("\ufeffA=one\r\nB=two\r\n", "one"),
        ("A=a=b", "a=b"),
    ],
)
def test_a_value_is_read_as_other_programs_read_it(write, line, value):
    """People share one file among programs, and a key with a stray quote in it is refused far from here."""
    assert read_dotenv(write(line))["A"] == value


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("A=1\nB 2", ":2: this line is no assignment"),
        ("A=1\n\nB='secret\nmore", ":3: the quote ' that begins here is never closed"),
        ('A="secret" more', ":1: there is something after the closing quote"),
        (b"A=1\nB=\xff", ":2: it is not UTF-8"),
        ("A=" + "x" * 100_000, " is larger than 100 kB"),
    ],
)
def test_a_bad_line_is_told_by_its_place_alone(write, text, where):
    """A key that is silently left out is found late; one that is quoted in a message is lost."""
    path = write(text)
    with pytest.raises(BadDotenv) as refused:
        read_dotenv(path)

    assert f"{path}{where}" in refused.value.message
    assert "secret" not in f"{refused.value.message}{refused.value.hint}"


def test_what_is_set_stays_and_the_nearer_file_is_taken_first(write):
    """A shell's own word is the last one, else nobody could try another key."""
    here = write("REPLICATE_API_TOKEN=here\nFAL_KEY=here\nHF_TOKEN=here")
    home = write("REPLICATE_API_TOKEN=home\nSTUDIO=home", "home")
    environ = {"HF_TOKEN": "shell"}
    found = apply_dotenv(environ, here.parent, Home(home.parent))

    assert environ == {
        "HF_TOKEN": "shell",
        "REPLICATE_API_TOKEN": "here",
        "FAL_KEY": "here",
        "STUDIO": "home",
    }
    assert [one.given for one in found] == [("REPLICATE_API_TOKEN", "FAL_KEY"), ("STUDIO",)]
    assert [one.overruled for one in found] == [("HF_TOKEN",), ("REPLICATE_API_TOKEN",)]


def test_a_stranger_s_folder_gives_keys_and_steers_nothing(write, tmp_path):
    """`git clone` and `cd` must not send the user's token to another Hub, or run another ffmpeg."""
    names = (
        "HF_ENDPOINT",
        "SPACECHAIN_FFMPEG",
        "HTTPS_PROXY",
        "LD_PRELOAD",
        "REPLICATE_URL",
        "PATH",
        "SSLKEYLOGFILE",
    )
    here = write("".join(f"{name}=evil\n" for name in names) + "STABILITY_API_KEY=sk")
    environ: dict[str, str] = {}
    [found] = apply_dotenv(environ, here.parent, Home(tmp_path / "none"))

    assert environ == {"STABILITY_API_KEY": "sk"}
    assert found.left_out == names


def test_a_chain_s_folder_is_not_looked_into(write, tmp_path):
    """A recipe from a stranger is data, wherever it lies."""
    chain = write("name: x", "stranger").with_name("film.yaml")
    chain.write_text("steps: {s: {media: mux}}")
    chain.with_name(".env").write_text("broken")
    line = [sys.executable, "-m", "pipelines.cli", "check", str(chain), "--static"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ})

    assert "bad-dotenv" not in done.stderr


@pytest.mark.parametrize(
    ("words", "exit_code"), [(["recipes"], 2), (["run", "--help"], 0), (["--version"], 0)]
)
def test_a_broken_file_stops_what_needs_keys_and_nothing_else(write, words, exit_code):
    """Who asks for help is in trouble already."""
    here = write("broken")
    line = [sys.executable, "-m", "pipelines.cli", *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=here.parent)

    assert done.returncode == exit_code
    assert (".env:1: this line is no assignment [bad-dotenv]" in done.stderr) == (exit_code == 2)

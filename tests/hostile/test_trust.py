"""What runs code, sends keys or comes from the web is asked for once, on a terminal, in plain words."""

import subprocess
import sys
from pathlib import Path

import pytest
from web import Answer, web

CODE = "def hi(name: str) -> str:\n    return 'hi ' + name\n"
CHAIN = 'steps: {hi: {python: "mine.py:hi", with: {name: you}}}\noutputs: {said: $hi.text}\n'
REMOTE = """
name: borrowed
inputs: {word: {kind: text, default: hello}}
steps: {say: {space: acme/speaker, endpoint: /go, with: {word: $inputs.word}}}
outputs: {said: $say.output}
"""


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """A chain that runs code."""
    (tmp_path / "mine.py").write_text(CODE)
    (tmp_path / "c.yaml").write_text(CHAIN)
    return tmp_path / "c.yaml"


def elsewhere(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line, not on a terminal; stdin says yes to anything."""
    command = [sys.executable, "-m", "pipelines.cli", *words]
    return subprocess.run(command, cwd=folder, input="y\n", capture_output=True, text=True, check=False)


def test_code_is_asked_for_once_and_again_when_it_changes(on_a_terminal, chain):
    """The user reads what it may do, and a changed file is a stranger."""
    first = on_a_terminal("run", "c.yaml", answer="y\n")
    second = on_a_terminal("run", "c.yaml", answer="n\n")
    (chain.parent / "mine.py").write_text(CODE.replace("hi ", "ho "))
    third = on_a_terminal("run", "c.yaml", answer="y\n")

    assert (first.code, second.code, third.code) == (0, 0, 0)
    assert "mine.py may read and write your files and reach the network" in first.said
    assert "read it first: mine.py" in first.said
    assert "[y/N]" not in second.said
    assert "[y/N]" in third.said


@pytest.mark.parametrize("answer", ["\n", "n\n", "what?\n", "\x04"])
def test_the_answer_is_no_unless_it_is_yes(on_a_terminal, chain, answer):
    """Who presses Return has allowed nothing."""
    refused = on_a_terminal("run", "c.yaml", answer=answer)

    assert refused.code == 4
    assert "not-trusted" in refused.said
    assert elsewhere(chain.parent, "run", "c.yaml").returncode == 4


def test_nobody_is_asked_without_a_terminal(chain):
    """A yes that is piped in is nobody's word."""
    refused = elsewhere(chain.parent, "run", "c.yaml")

    assert refused.returncode == 4
    assert "[y/N]" not in refused.stderr
    assert "spacechain trust c.yaml" in refused.stderr


def test_a_key_that_a_chain_sends_somewhere_is_asked_for(on_a_terminal, tmp_path):
    """A service file beside a chain names a variable and a host: together they could be theft."""
    (tmp_path / "acme.yaml").write_text(
        "name: acme\nabout: A vendor\nurl: http://127.0.0.1:9\nauth: {key_from: ACME_KEY}\n"
        "endpoints: {say: {path: /say, json: {a: b}, gives: {text: {kind: text, from: said}}}}\n"
    )
    (tmp_path / "c.yaml").write_text("steps: {say: {service: ./acme.yaml}}\noutputs: {said: $say.text}\n")
    refused = on_a_terminal("run", "c.yaml", answer="n\n", env={"ACME_KEY": "k-123456789"})

    assert refused.code == 4
    assert "./acme.yaml may send the key in ACME_KEY to 127.0.0.1:9" in refused.said


def test_a_recipe_from_the_web_is_read_without_trust_and_run_with_it_alone(tmp_path, secret, monkeypatch):
    """A link in a chat must not spend the user's quota; what it would call is told before."""
    monkeypatch.setenv("HF_TOKEN", secret("token"))
    with web(lambda _: Answer(REMOTE.encode(), type="text/plain")) as served:
        url = f"{served.url}/acme/recipes/resolve/main/b.yaml"
        checked = elsewhere(tmp_path, "check", url, "--static")
        refused = elsewhere(tmp_path, "run", url)
        trusted = elsewhere(tmp_path, "trust", url)
        ran = elsewhere(tmp_path, "run", url, "--use", "acme/speaker=http://127.0.0.1:9")

    assert checked.returncode == 0
    assert refused.returncode == 4
    assert f"spacechain trust {url}" in refused.stderr
    assert "calls the Space acme/speaker in your name and at your cost" in trusted.stderr
    assert "not-trusted" not in ran.stderr
    assert not any("authorization" in one.headers for one in served.asked)


def test_a_recipe_that_changed_on_the_web_is_a_stranger_again(tmp_path):
    """Trust is in the text, not in the address."""
    texts = [REMOTE, REMOTE, REMOTE.replace("acme/speaker", "evil/speaker")]
    with web(lambda _: Answer(texts.pop(0).encode(), type="text/plain")) as served:
        url = f"{served.url}/b.yaml"
        elsewhere(tmp_path, "trust", url)
        same = elsewhere(tmp_path, "run", url, "--use", "acme/speaker=http://127.0.0.1:9")
        changed = elsewhere(tmp_path, "run", url, "--use", "evil/speaker=http://127.0.0.1:9")

    assert "not-trusted" not in same.stderr
    assert changed.returncode == 4


def test_a_recipe_from_the_web_has_nothing_beside_it(tmp_path):
    """Its words name no file of this machine, and no code."""
    (tmp_path / "mine.py").write_text(CODE)
    (tmp_path / "secret.txt").write_text("mine")
    text = CHAIN.replace("steps: {", "inputs: {f: {kind: file, default: ../../secret.txt}}\nsteps: {")
    with web(lambda _: Answer(text.encode(), type="text/plain")) as served:
        refused = elsewhere(tmp_path, "trust", f"{served.url}/c.yaml")
        checked = elsewhere(tmp_path, "check", f"{served.url}/c.yaml", "--static")

    assert refused.returncode == 2
    assert checked.returncode == 2
    assert "outside" in checked.stderr


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/film.yaml", "only https"),
        ("https://me:pass@example.com/film.yaml", "a user or a password"),
        ("https://[", "no address"),
        ("HTTP://EXAMPLE.COM/x.yaml", "only https"),
    ],
)
def test_not_every_url_is_asked_for_a_recipe(tmp_path, url, why):
    """What can be changed on its way is not asked."""
    refused = elsewhere(tmp_path, "check", url, "--static")

    assert refused.returncode == 2
    assert why in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(b"x: 1\n" * 300_000), "gives more than"),
        (Answer(b"<!DOCTYPE html><html></html>", type="text/html"), "a web page"),
        (Answer(b"\xff\xfe\x00"), "UTF-8"),
        (Answer(b"gone", 404), "404"),
    ],
)
def test_what_comes_in_place_of_a_recipe_is_told(tmp_path, answer, why):
    """A wrong link leads to a page, to nothing, or to far too much."""
    with web(lambda _: answer) as served:
        refused = elsewhere(tmp_path, "check", f"{served.url}/b.yaml", "--static")

    assert refused.returncode == 2
    assert why in refused.stderr

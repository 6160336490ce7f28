"""Where keys go: a chain from a stranger must not send one anywhere that its user has not allowed."""

import json
import re

import pytest
from web import say, web

from pipelines.cli import main

SERVICE = """
name: acme
about: A vendor of ours
url: URL
auth: {key_from: ACME_KEY, get_one: "https://acme.example/keys"}
endpoints:
  say:
    takes: {prompt: text}
    path: /say
    json: {prompt: $prompt}
    gives: {text: {kind: text, from: text}}
"""
CHAIN = """
name: ask
steps:
  made: {service: ./acme.yaml, with: {prompt: hello}}
outputs: {text: $made.text}
"""


@pytest.fixture
def spacechain(tmp_path, monkeypatch, capsys):
    """Run the command in this process: exit code, and all that it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACME_KEY", "acme-0123456789")

    def command(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([*words])
        said = capsys.readouterr()
        assert "acme-0123456789" not in said.out + said.err
        return int(end.value.code or 0), said.out + said.err

    return command


@pytest.fixture
def server():
    with web(lambda _: say({"text": "hello to you"})) as running:
        yield running


def test_a_file_beside_a_chain_sends_no_key_before_it_is_allowed(spacechain, server, tmp_path):
    """Which variable would go to which host is said; trust is in the content, so a change asks again."""
    (tmp_path / "ask.yaml").write_text(CHAIN)
    (tmp_path / "acme.yaml").write_text(SERVICE.replace("URL", server.url))

    code, said = spacechain("run", "ask.yaml")
    assert (code, server.asked) == (4, [])
    assert f"would send the key in ACME_KEY to {server.url.removeprefix('http://')}" in said
    assert "spacechain trust ask.yaml" in said

    assert spacechain("trust", "ask.yaml")[0] == 0
    assert spacechain("run", "ask.yaml")[0] == 0
    assert server.asked[0].headers["authorization"] == "Bearer acme-0123456789"

    (tmp_path / "acme.yaml").write_text(SERVICE.replace("URL", server.url).replace("/say", "/listen"))
    assert spacechain("run", "ask.yaml")[0] == 4
    assert len(server.asked) == 1


def test_trust_in_a_file_is_none_in_another_address(spacechain, server, tmp_path):
    """A trusted file, or one of ours, must not be pointed at a stranger by a chain."""
    (tmp_path / "acme.yaml").write_text(SERVICE.replace("URL", server.url))
    (tmp_path / "ask.yaml").write_text(CHAIN)
    spacechain("trust", "ask.yaml")

    (tmp_path / "ask.yaml").write_text(CHAIN.replace("acme.yaml,", "acme.yaml, url: 'https://far.example',"))
    code, said = spacechain("check", "ask.yaml")

    assert code == 4
    assert "would send the key in ACME_KEY to far.example" in said


def test_a_file_without_a_key_needs_no_trust(spacechain, server, tmp_path):
    """There is nothing that it could give away."""
    text = "".join(line for line in SERVICE.splitlines(keepends=True) if not line.startswith("auth"))
    (tmp_path / "acme.yaml").write_text(text.replace("URL", server.url))
    (tmp_path / "ask.yaml").write_text(CHAIN)

    assert spacechain("run", "ask.yaml")[0] == 0
    assert "authorization" not in server.asked[0].headers


def test_the_users_own_file_goes_by_name_and_needs_no_trust(spacechain, server, tmp_path, home):
    """What lies in the home folder was put there by its user."""
    (home / "services").mkdir(parents=True)
    (home / "services" / "acme.yaml").write_text(SERVICE.replace("URL", server.url))
    (tmp_path / "ask.yaml").write_text(CHAIN.replace("./acme.yaml", "acme"))

    assert spacechain("run", "ask.yaml")[0] == 0
    assert len(server.asked) == 1


def test_services_are_listed_with_their_keys_variables(spacechain, server, home):
    """What a new user needs: the name, the variable, whether it is set, never what it holds."""
    (home / "services").mkdir(parents=True)
    (home / "services" / "acme.yaml").write_text(SERVICE.replace("URL", server.url))
    (home / "services" / "broken.yaml").write_text("url: 7\n")

    code, said = spacechain("services")
    assert code == 2
    assert re.search(r"acme\s+set\s+ACME_KEY", said)
    assert "broken.yaml:1:6" in said

    code, said = spacechain("services", "acme", "--json")
    told = json.loads(said)
    assert (code, told["key"]["variables"], told["key"]["set"]) == (0, ["ACME_KEY"], True)
    assert told["endpoints"][0]["parameters"][0]["name"] == "prompt"


def test_it_is_told_where_a_service_is_for_this_user(spacechain, monkeypatch):
    """Who set a variable long ago must see that his calls go there."""
    assert "at: http://127.0.0.1:7860" in spacechain("services", "automatic1111")[1]

    monkeypatch.setenv("AUTOMATIC1111_URL", "http://127.0.0.1:7861")
    said = spacechain("services", "automatic1111")[1]

    assert "at: http://127.0.0.1:7861" in said
    assert "address from: AUTOMATIC1111_URL (set)" in said


@pytest.mark.parametrize(
    ("step", "hint"),
    [
        ("service: https://api-inference.huggingface.co/models/a/b", "write `model: a/b`"),
        (
            "service: endpoints\n    url: https://api-inference.huggingface.co/models/a/b",
            "write `model: a/b`",
        ),
        ("service: https://acme.example/v1", "say `url:` beside it"),
    ],
)
def test_an_address_that_is_no_service_is_answered_with_what_to_write(spacechain, tmp_path, step, hint):
    """Old tutorials post to an address that is no more."""
    chain = f"steps:\n  ask:\n    {step}\n    with: {{prompt: a fox}}\n"
    (tmp_path / "old.yaml").write_text(chain)

    code, said = spacechain("check", "old.yaml")

    assert code == 2
    assert hint in said


def test_the_example_that_is_shown_runs(spacechain, server, tmp_path, home):
    """People copy it; the value of a text is theirs to change."""
    (home / "services").mkdir(parents=True)
    (home / "services" / "acme.yaml").write_text(SERVICE.replace("URL", server.url))
    _, said = spacechain("services", "acme", "--json")
    (tmp_path / "shown.yaml").write_text(json.loads(said)["endpoints"][0]["example"])

    assert spacechain("run", "shown.yaml")[0] == 0


def test_a_changed_file_is_asked_again(spacechain, server, tmp_path, home):
    """A kept result answers the same question only: another path is another question."""
    (home / "services").mkdir(parents=True)
    file = home / "services" / "acme.yaml"
    file.write_text(SERVICE.replace("URL", server.url))
    (tmp_path / "ask.yaml").write_text(CHAIN.replace("./acme.yaml", "acme"))
    spacechain("run", "ask.yaml")
    spacechain("run", "ask.yaml")
    assert len(server.asked) == 1

    file.write_text(SERVICE.replace("URL", server.url).replace("/say", "/listen"))
    spacechain("run", "ask.yaml")
    assert [one.path for one in server.asked] == ["/say", "/listen"]

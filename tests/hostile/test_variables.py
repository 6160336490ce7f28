"""What a chain file may do with environment variables: none goes anywhere that its user has not allowed."""

import json
import shutil
from pathlib import Path

import pytest
from web import say, web

from pipelines import run_chain
from pipelines.household.trust import NotTrusted
from pipelines.programs.environment import is_credential

ECHO = """
name: echo
about: A service of the user's own
url: WHERE
url_from: ECHO_URL
endpoints:
  say:
    takes: {prompt: text}
    path: /say
    json: {prompt: $prompt}
    gives: {text: {kind: text, from: text}}
"""
CODE = """
import os

def same(text: str) -> str:
    return text

def own() -> str:
    return os.environ["ACME_KEY"]
"""
INNER = """
inputs: {words: {kind: text, default: hello}}
steps: {say: {service: echo, with: {prompt: $inputs.words}}}
outputs: {text: $say.text}
"""
READER = """
env: [ACME_KEY]
inputs: {words: {kind: text, default: hello}}
steps: {same: {python: "mine.py:same", with: {text: $env.ACME_KEY}}}
outputs: {text: $same.text}
"""
DIRECT = """
env: [ACME_KEY]
steps: {say: {service: echo, with: {prompt: $env.ACME_KEY}}}
outputs: {text: $say.text}
"""
SAY = "say: {service: echo, with: {prompt: $same.text}}"
WAYS = {  # each a way for the value of a variable to reach the service
    "as it is": "say: {service: echo, with: {prompt: $env.ACME_KEY}}",
    "in an expression": 'say: {service: echo, with: {prompt: "${{ upper(env.ACME_KEY) }}"}}',
    "in a text": 'say: {service: echo, with: {prompt: "a fox ${{ env.ACME_KEY }}"}}',
    "with all others": 'say: {service: echo, with: {prompt: "${{ env }}"}}',
    "by a name that is made": "say: {service: echo, with: {prompt: \"${{ env[lower('ACME_KEY')] }}\"}}",
    "in a prompt template": "say: {service: echo, "
    "with: {prompt: \"${{ template('mine', w=env.ACME_KEY) }}\"}}",
    "as a condition": "say: {service: echo, when: \"env.ACME_KEY[0] == 'a'\", with: {prompt: x}}",
    "as items": 'say: {service: echo, each: "${{ [env.ACME_KEY] }}", with: {prompt: x}}',
    "as a matrix": 'say: {service: echo, matrix: {k: ["${{ env.ACME_KEY }}"]}, with: {prompt: x}}',
    "through another step": 'same: {python: "mine.py:same", with: {text: $env.ACME_KEY}}\n  ' + SAY,
    "by code that reads it itself": 'same: {python: "mine.py:own"}\n  ' + SAY,
    "whether a step is made": "same: {python: 'mine.py:same', when: \"env.ACME_KEY == 'x'\", "
    "with: {text: x}}\n"
    "  say: {service: echo, needs: [same], with: {prompt: x}}",
    "in a fallback": 'say: {python: "mine.py:same", with: {text: x}, '
    "fallback: [{service: echo, with: {prompt: $env.ACME_KEY}}]}",
    "into a nested chain": "say: {chain: inner.yaml, with: {words: $env.ACME_KEY}}",
    "out of a nested chain": "same: {chain: reader.yaml}\n  " + SAY,
}


@pytest.fixture(autouse=True)
def _key(monkeypatch, secret) -> None:
    """A key of the user's, in a variable."""
    monkeypatch.setenv("ACME_KEY", secret("acme", prefix="acme-"))


@pytest.fixture
def server(home):
    """A service of the user's own that repeats what it is told."""
    with web(lambda asked: say({"text": json.loads(asked.body)["prompt"]})) as running:
        (home / "services").mkdir(parents=True)
        (home / "services" / "echo.yaml").write_text(ECHO.replace("WHERE", running.url))
        yield running


@pytest.fixture(autouse=True)
def _chains(tmp_path: Path) -> None:
    """The chains that variables are handed along."""
    for name, text in (("mine.py", CODE), ("inner.yaml", INNER), ("reader.yaml", READER), ("c.yaml", DIRECT)):
        (tmp_path / name).write_text(text)


def trust_code(spacechain) -> None:
    """The user has trusted the code for another chain; that says nothing of any variable."""
    Path("code.yaml").write_text(
        'steps: {a: {python: "mine.py:same", with: {text: x}}, b: {python: "mine.py:own"}}\n'
    )
    assert spacechain("trust", "code.yaml")[0] == 0


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_no_way_leads_a_key_to_a_place_unasked(spacechain, server, way):
    """A stranger's file needs one line to take a key; each way that the line can go is asked for."""
    trust_code(spacechain)
    templates = "templates: {mine: {prompt: 'a {w}', variables: {w: x}}}\n" if "template(" in way else ""
    Path("c.yaml").write_text(f"env: [ACME_KEY]\n{templates}steps:\n  {way}\noutputs: {{t: $say.text}}\n")
    code, said = spacechain("run", "c.yaml")

    assert (code, server.asked) == (4, [])
    assert "send the value of ACME_KEY, which looks like a credential, to " + server.url in said
    assert "spacechain trust c.yaml" in said


def test_what_was_allowed_stays_so_until_somebody_else_is_to_have_it(spacechain, server):
    """Trust is in who gets what: to edit a prompt asks nothing, to send it elsewhere does."""
    assert spacechain("trust", "c.yaml")[0] == 0
    ran, _ = spacechain("run", "c.yaml")
    Path("c.yaml").write_text(DIRECT.replace("$env.ACME_KEY", '"a fox, ${{ env.ACME_KEY }}"'))
    edited, _ = spacechain("run", "c.yaml")
    Path("c.yaml").write_text(DIRECT.replace("service: echo", "service: echo, url: 'http://127.0.0.1:9'"))
    elsewhere, said = spacechain("run", "c.yaml")

    assert (ran, edited, elsewhere) == (0, 0, 4)
    assert len(server.asked) == 2
    assert "to http://127.0.0.1:9 in step `say`" in said


def test_check_and_plan_say_what_a_run_will_ask_for(spacechain, server):
    """Who looks first learns what a run would give away, and looking needs no trust."""
    code, said = spacechain("check", "c.yaml")
    told = json.loads(spacechain("check", "c.yaml", "--json")[1])
    plan, planned = spacechain("plan", "c.yaml")
    as_json = json.loads(spacechain("plan", "c.yaml", "--json")[1])

    assert (code, plan, server.asked) == (0, 0, [])
    assert "would send the value of ACME_KEY, which looks like a credential, to" in said
    assert [(one["code"], one["severity"], one["step"]) for one in told["problems"]] == [
        ("not-trusted", "warning", "say")
    ]
    assert "a run asks for your trust first: c.yaml may send the value of ACME_KEY" in planned
    assert "ACME_KEY" in as_json["asks"][0]


def test_a_plain_variable_is_asked_for_too_where_it_goes_to_a_place(spacechain, server, monkeypatch):
    """What is private in a variable is not told by its name alone; it is asked in plainer words."""
    monkeypatch.setenv("STYLE", "baroque")
    Path("c.yaml").write_text(DIRECT.replace("ACME_KEY", "STYLE"))
    code, said = spacechain("run", "c.yaml")

    assert (code, server.asked) == (4, [])
    assert f"send the value of STYLE to {server.url} in step `say`" in said


def test_a_plain_variable_that_stays_here_is_not_asked_for(spacechain, monkeypatch):
    """A folder or a style word that only the user's own code reads is nobody's business."""
    monkeypatch.setenv("STYLE", "baroque")
    trust_code(spacechain)
    Path("c.yaml").write_text(
        'env: [STYLE]\nsteps: {a: {python: "mine.py:same", with: {text: $env.STYLE}}}\n'
        "outputs: {t: $a.text}\n"
    )

    assert spacechain("run", "c.yaml")[0] == 0


def test_a_key_that_code_gets_is_asked_for_though_the_code_is_trusted(spacechain):
    """Code that was trusted to join texts was not trusted with an account."""
    trust_code(spacechain)
    Path("c.yaml").write_text(
        'env: [ACME_KEY]\nsteps: {a: {python: "mine.py:same", with: {text: x}}}\noutputs: {t: $a.text}\n'
    )
    code, said = spacechain("run", "c.yaml")

    assert code == 4
    assert "send the value of ACME_KEY, which looks like a credential, to the code in mine.py" in said


def test_a_variable_may_go_where_its_user_said_that_it_belongs(spacechain, server, monkeypatch):
    """The address of a service of one's own is no secret to that service."""
    monkeypatch.setenv("ECHO_URL", server.url)
    Path("c.yaml").write_text(DIRECT.replace("ACME_KEY", "ECHO_URL"))

    assert spacechain("run", "c.yaml")[0] == 0


def test_a_key_that_is_read_and_goes_nowhere_is_told(spacechain):
    """A chain that reads a key without a use for it is worth a look."""
    trust_code(spacechain)
    Path("c.yaml").write_text("env: [ACME_KEY]\nsteps: {a: {media: grid, with: {images: []}}}\n")
    told = json.loads(spacechain("check", "c.yaml", "--static", "--json")[1])

    assert any("read the variable ACME_KEY" in one["message"] for one in told["problems"])


def test_whoever_would_get_a_value_is_named(spacechain):
    """A user decides by the name of the host, so each sort of place says whose it is."""
    Path("spaces.yaml").write_text("mine: https://far.example/app\n")
    w = "with: {prompt: $env.ACME_KEY}"
    Path("c.yaml").write_text(
        "env: [ACME_KEY]\nsteps:\n"
        f"  a: {{space: [acme/draw, mine], endpoint: /go, {w}}}\n"
        f"  b: {{find: draw a fox, {w}}}\n"
        f"  c: {{model: acme/paint, task: text-to-image, {w}}}\n"
        f"  d: {{model: 'http://near.example:8000/x', task: text-to-image, {w}}}\n"
    )
    told = " ".join(spacechain("check", "c.yaml", "--static")[1].split())

    assert "to the Space acme/draw in step `a`" in told
    assert "to far.example in step `a`" in told
    assert "to whichever Space is found for 'draw a fox' in step `b`" in told
    assert "to who serves the model acme/paint (provider auto) in step `c`" in told
    assert "to http://near.example:8000 in step `d`" in told


def test_a_batch_asks_before_its_first_row(spacechain, server):
    """A table of a thousand rows must not fail a thousand times, nor send once."""
    Path("t.csv").write_text("words\nfox\n")
    Path("c.yaml").write_text("inputs: {words: text}\n" + DIRECT)
    code, said = spacechain("batch", "c.yaml", "t.csv")

    assert (code, server.asked) == (4, [])
    assert "ACME_KEY" in said
    assert not Path("outputs").exists()


def test_a_run_that_is_gone_on_with_asks_again_if_trust_was_taken_back(spacechain, home, monkeypatch):
    """To take trust back is to remove a file; a run that began before is no way around that."""
    with web(lambda _: say({"error": "no"}, 500)) as broken:
        monkeypatch.setenv("ECHO_URL", broken.url)
        (home / "services").mkdir(parents=True, exist_ok=True)
        (home / "services" / "echo.yaml").write_text(ECHO.replace("WHERE", broken.url))
        spacechain("trust", "c.yaml")
        assert spacechain("run", "c.yaml")[0] == 1
        asked = len(broken.asked)
        shutil.rmtree(home / "trusted")
        code, said = spacechain("resume", "last")

        assert code == 4, said
        assert len(broken.asked) == asked


@pytest.mark.usefixtures("spacechain")
def test_a_program_that_runs_a_chain_is_refused_likewise(server):
    """Python's door is no way around."""
    with pytest.raises(NotTrusted, match="ACME_KEY"):
        run_chain("c.yaml")

    assert server.asked == []


@pytest.mark.parametrize("name", [".env", ".ssh/id_ed25519", "./.env", "link.txt"])
def test_a_chain_reads_no_hidden_file_beside_it(spacechain, server, name):
    """A chain may be saved into a project or a home folder, where keys lie in files that begin with a dot."""
    Path(".env").write_text("A=b")
    Path(".ssh").mkdir()
    Path(".ssh/id_ed25519").write_text("key")
    Path("link.txt").symlink_to(".env")
    Path("c.yaml").write_text(
        f"inputs: {{f: {{kind: file, default: {name}}}}}\n"
        "steps: {say: {service: echo, with: {prompt: $inputs.f.name}}}\noutputs: {t: $say.text}\n"
    )
    code, said = spacechain("run", "c.yaml")

    assert (code, server.asked) == (2, [])
    assert "hidden file" in said


@pytest.mark.parametrize(
    ("url", "code"),
    [("http://127.0.0.1:9", 4), ("http://localhost:9", 4), ("http://[::1]:9", 4), ("https://far.example", 4)],
)
def test_a_known_vendors_key_goes_nowhere_else_on_a_chains_word(spacechain, monkeypatch, secret, url, code):
    """Who listens on a port of this machine is not known: any program may, and a chain must not choose."""
    monkeypatch.setenv("OPENAI_API_KEY", secret("openai", prefix="sk-"))
    Path("c.yaml").write_text(
        f"steps: {{say: {{service: openai, endpoint: chat, url: '{url}', with: {{prompt: hi}}}}}}\n"
        "outputs: {t: $say.text}\n"
    )
    ended, said = spacechain("run", "c.yaml")

    assert ended == code, said
    assert "would send the key in OPENAI_API_KEY to" in said


@pytest.mark.parametrize("how", ["a variable", "a service file", "spaces.yaml"])
def test_a_key_goes_where_its_user_named_the_host_himself(spacechain, monkeypatch, home, secret, how):
    """Who runs a server of his own has said so in his own home, and is not asked again."""
    monkeypatch.setenv("OPENAI_API_KEY", secret("openai", prefix="sk-"))
    answer = {"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}
    with web(lambda _: say(answer)) as running:
        if how == "a variable":
            monkeypatch.setenv("OPENAI_BASE_URL", f"{running.url}/v1")
        elif how == "a service file":
            (home / "services").mkdir(parents=True)
            own = ECHO.replace("WHERE", running.url) + "auth: {key_from: OPENAI_API_KEY}\n"
            (home / "services" / "echo.yaml").write_text(own)
        else:
            home.mkdir(parents=True)
            (home / "spaces.yaml").write_text(
                f"lab:\n  space: {running.url}\n  headers: {{x-key: $OPENAI_API_KEY}}\n"
            )
        step = f"{{service: openai, endpoint: chat, url: '{running.url}/v1', with: {{prompt: hi}}}}"
        Path("c.yaml").write_text(f"steps: {{say: {step}}}\noutputs: {{t: $say.text}}\n")
        code, said = spacechain("run", "c.yaml")

    assert code == 0, said
    assert running.asked


@pytest.mark.parametrize(
    "value",
    [
        "hf_abcdefghijklmnop",
        "sk-proj-abcdefghijkl",
        "r8_abcdefghijklmnop",
        "https://me:secret@db.example/x",
        "postgres://me:secret@db/x",
        "ghp_abcdefghijklmnop",
        "eyJhbGciOi.eyJzdWIiOi.abcdefgh",
        "Bearer sk-abcdefghijklmnop",
    ],
)
def test_a_value_may_look_like_a_key_where_its_name_does_not(value):
    """A key in STYLE is a key."""
    assert is_credential("STYLE", value)


@pytest.mark.parametrize(
    "value", ["baroque", "/home/me/films", "https://example.com/a.png", "sk-", "hf_x", ""]
)
def test_a_plain_value_is_no_key(value):
    """Who is asked about everything reads nothing."""
    assert not is_credential("STYLE", value)

"""Recipes by URL: what was read is what is trusted, what is trusted is what runs, and a look harms nobody."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from web import Answer, Asked, say, web

from spaces_registry.network.origin import NotAsked, Origin, patience

RECIPE = """
name: borrowed
inputs: {word: {kind: text, default: hello}}
steps: {say: {space: acme/speaker, endpoint: /go, with: {word: $inputs.word}}}
outputs: {said: $say.output}
"""
OTHER = RECIPE.replace("acme/speaker", "evil/speaker")
CERTIFICATE = Path(__file__).with_name("localhost.pem")  # of 127.0.0.1, made for these tests


def text(recipe: str) -> Answer:
    """A recipe as a host gives it."""
    return Answer(recipe.encode(), type="text/plain")


@pytest.mark.parametrize("looking", ["check", "plan", "run"])
def test_the_text_that_was_looked_at_is_the_one_that_is_trusted(spacechain, looking):
    """A host that shows one text to who reads and another to who trusts has neither run nor trusted."""
    texts = [RECIPE, OTHER, OTHER]
    with web(lambda _: text(texts.pop(0))) as served:
        url = f"{served.url}/b.yaml"
        spacechain(looking, url)
        _, trusted = spacechain("trust", url)
        asked = len(served.asked)
        code, said = spacechain("run", url, "--use", "evil/speaker=http://127.0.0.1:9")

    assert "calls the Space acme/speaker" in trusted
    assert asked == 1
    assert (code, "not-trusted" in said) == (4, True)


def test_a_kept_recipe_that_somebody_changed_is_not_trusted_in_its_place(spacechain, home):
    """What lies in the home folder to be read must be what the host gave, or trust is in another text."""
    with web(lambda _: text(RECIPE)) as served:
        url = f"{served.url}/b.yaml"
        spacechain("check", url, "--static")
        [kept] = home.glob("recipes/*/recipe.yaml")
        kept.write_text(OTHER)
        _, trusted = spacechain("trust", url)

    assert "calls the Space acme/speaker" in trusted
    assert kept.read_text() == RECIPE


def test_a_recipe_that_lies_on_https_is_not_fetched_over_http(spacechain, monkeypatch):
    """Who is on the way could change what a user is about to read and to trust."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with web(lambda _: text(RECIPE)) as plain:
        away = Answer(status=302, headers={"location": f"{plain.url}/b.yaml"})
        with web(lambda _: away, CERTIFICATE) as safe:
            code, said = spacechain("check", f"{safe.url}/b.yaml", "--static")

    assert code == 2
    assert "could be changed on its way" in said
    assert (len(safe.asked), plain.asked) == (1, [])


def test_a_recipe_that_lies_on_https_may_lead_to_https(spacechain, monkeypatch):
    """The Hub itself answers for a file with a redirect to where its bytes are."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    def answer(asked: Asked) -> Answer:
        if asked.path == "/b.yaml":
            return Answer(status=302, headers={"location": "/c.yaml"})
        return text(RECIPE)

    with web(answer, CERTIFICATE) as safe:
        code, said = spacechain("check", f"{safe.url}/b.yaml", "--static")

    assert code == 0, said


def test_a_recipe_on_this_machine_does_not_lead_to_http_elsewhere(spacechain):
    """The exception for this machine ends where this machine does."""
    away = Answer(status=302, headers={"location": "http://192.0.2.1/b.yaml"})
    with web(lambda _: away) as served:
        code, said = spacechain("check", f"{served.url}/b.yaml", "--static")

    assert code == 2
    assert "could be changed on its way" in said


@pytest.mark.parametrize("command", ["check", "plan", "lock"])
@pytest.mark.parametrize("written", ["{url}", "http://localhost:{port}", "http://[::ffff:127.0.0.1]:{port}"])
def test_a_look_at_a_recipe_that_is_not_trusted_knocks_at_no_door_here(spacechain, command, written):
    """A page could offer a link to copy, and learn by it what runs behind the reader's firewall."""
    with web(lambda _: say({"dependencies": []})) as inside:
        place = written.format(url=inside.url, port=inside.url.rpartition(":")[2])
        steps = f"steps: {{a: {{space: '{place}', endpoint: /go}}}}\n"
        with web(lambda _: text(steps)) as served:
            code, said = spacechain(command, f"{served.url}/b.yaml")

    assert inside.asked == []
    assert "Traceback" not in said
    if command == "check":
        assert code == 0, said
        assert "is on this machine's own network, where a recipe that is not trusted asks nobody" in " ".join(
            said.split()
        )


@pytest.mark.anyio
async def test_who_answers_in_place_of_an_app_on_the_internet_is_looked_at(client):
    """A name may lead to the internet when it is looked up, and here when it is asked."""
    with web(lambda _: say({})) as inside:
        origin = Origin("a", inside.url, client)
        async with origin.stream("GET", inside.url, limits=patience(5, 10)) as response:
            with pytest.raises(NotAsked):
                await replace(origin, is_public=True)._must_be_there(  # noqa: SLF001 - no name of ours changes
                    response.url, response
                )


def test_a_trusted_recipe_may_be_looked_at_with_all_that_it_names(spacechain):
    """Who trusts a recipe for his own apps wants its mistakes told."""
    with web(lambda _: say({"dependencies": []})) as inside:
        steps = f"steps: {{a: {{space: '{inside.url}', endpoint: /go}}}}\n"
        with web(lambda _: text(steps)) as served:
            url = f"{served.url}/b.yaml"
            spacechain("trust", url)
            spacechain("check", url)

    assert inside.asked


def test_what_a_recipe_waits_for_is_told_by_check_and_plan(spacechain):
    """Programs and people learn before a run that it will ask."""
    with web(lambda _: text(RECIPE.replace("acme/speaker", "http://192.0.2.1"))) as served:
        url = f"{served.url}/b.yaml"
        told = json.loads(spacechain("check", url, "--static", "--json")[1])
        planned = json.loads(spacechain("plan", url, "--json")[1])

    assert [(one["code"], one["severity"]) for one in told["problems"]] == [("not-trusted", "warning")]
    assert "calls the Space http://192.0.2.1 in your name" in planned["asks"][0]


def test_a_recipe_runs_no_chain_from_another_address(spacechain):
    """Trust is in one text; a step that fetched another one would run what nobody read."""
    with web(lambda _: text(RECIPE)) as inner:
        steps = f"steps: {{a: {{chain: '{inner.url}/c.yaml'}}}}\n"
        with web(lambda _: text(steps)) as served:
            code, said = spacechain("check", f"{served.url}/b.yaml", "--static")

    assert (code, inner.asked) == (2, [])
    assert "unknown-chain" in said

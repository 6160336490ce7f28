"""A prompt that works is worth keeping: the library is one file, and no command spoils what is in it."""

import stat

import pytest

from pipelines.household.home import find_home

NOIR = (
    "templates",
    "add",
    "noir",
    "--prompt",
    "film noir, {subject}, {light}",
    "--default",
    "light=hard light",
)


def test_what_was_added_is_there_for_every_chain(spacechain, here):
    """The library is the user's, not one chain's: a chain fills its templates without a word about it."""
    assert spacechain(*NOIR, "--negative", "colour", "--about", "Night in a city").code == 0
    chain = here / "film.yaml"
    chain.write_text(
        "inputs: {what: {kind: text, default: a cat}}\n"
        "steps: {s: {space: http://127.0.0.1:9, with: "
        "{p: \"${{ template('noir', subject=inputs.what) }}\"}}}\n"
    )
    checked = spacechain("check", chain, "--static")

    assert (checked.code, "error" in checked.err) == (0, False)
    [one] = [one for one in spacechain("templates", "--json").json if one["name"] == "noir"]
    assert (one["origin"], one["example"], one["variables"]) == (
        "home",
        "film noir, <subject>, hard light",
        {"light": "hard light", "subject": None},
    )
    assert stat.S_IMODE(find_home().templates.stat().st_mode) == 0o600


def test_one_of_the_user_s_counts_before_one_that_comes_along(spacechain):
    """Whoever improves `cinematic` wants theirs, also after an update of ours."""
    spacechain("templates", "add", "cinematic", "--prompt", "my film, {subject}")
    assert spacechain("templates", "cinematic").out.startswith("cinematic (home)")
    spacechain("templates", "remove", "cinematic")

    assert spacechain("templates", "cinematic").out.startswith("cinematic (shipped)")


def test_a_chain_s_own_templates_are_shown_with_it(spacechain, here):
    """Of three templates with one name, the one that counts is the question."""
    (here / "film.yaml").write_text("templates: {mine: 'a {thing}'}\nsteps: {s: {media: probe}}\n")
    found = spacechain("templates", "mine", "--chain", "film.yaml", "--json")

    assert (found.json["origin"], found.json["use"]) == (
        "chain",
        "${{ template('mine', thing=inputs.thing) }}",
    )


def test_comments_and_neighbours_stay_as_they_are(spacechain):
    """The file is edited by hand too, and its notes are somebody's work."""
    find_home().make()
    find_home().templates.write_text(
        "# mine\none: 'a {b}'   # short\n\n# about two\ntwo:\n  prompt: c\n  # inside\n  help: d\n"
    )
    spacechain(*NOIR)
    spacechain("templates", "remove", "one")
    assert (
        find_home()
        .templates.read_text()
        .startswith("# mine\n# about two\ntwo:\n  prompt: c\n  # inside\n  help: d\n")
    )
    spacechain("templates", "remove", "two")

    assert [*find_home().templates.read_text().splitlines()[:1]] == ["# mine"]
    assert spacechain("templates", "noir").code == 0


def test_one_that_is_there_is_not_lost_by_a_second_of_its_name(spacechain):
    """A name that was forgotten is no reason to lose the prompt behind it."""
    spacechain(*NOIR)
    refused = spacechain("templates", "add", "noir", "--prompt", "other")
    assert (refused.code, "--replace" in refused.err) == (2, True)
    assert spacechain("templates", "add", "noir", "--prompt", "other", "--replace").code == 0

    assert spacechain("templates", "noir", "--json").json["prompt"] == "other"


def test_a_file_of_templates_is_added_whole(spacechain, here):
    """People hand each other files."""
    (here / "more.yaml").write_text("a: 'x {y}'\nb: {prompt: z}\n")

    assert spacechain("templates", "add", "more.yaml", "--json").json["added"] == ["a", "b"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["add", "x", "--prompt", "{a} {b"], "this `{` is part of no gap"),
        (["add", "x", "--prompt", "{a}", "--default", "b=1"], "the prompt has no such gap"),
        (["add", "x y", "--prompt", "z"], "cannot be the name of a template"),
        (["add", "x", "--negative", "z"], "a template needs a prompt"),
        (["add", "none.yaml"], "cannot be read"),
        (["add"], "takes one name or file"),
        (["remove", "nothing"], "there is no template 'nothing'"),
        (["remove", "portrait"], "no template of yours"),
        (["cinematik"], "did you mean 'cinematic'?"),
        (["x", "--prompt", "y"], "goes with `templates add`"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(spacechain, words, told):
    """A command that half-works on the user's own file is worse than none."""
    spacechain(*NOIR)
    before = find_home().templates.read_text()
    done = spacechain("templates", *words)

    assert (done.code, told in done.err) == (2, True), done.err
    assert find_home().templates.read_text() == before


def test_a_broken_library_is_told_with_its_place(spacechain):
    """It is edited by hand; the command that meets the mistake shows where it is."""
    find_home().make()
    find_home().templates.write_text("one: {prompt: 'a {b'}\n")
    done = spacechain("templates")

    assert done.code == 2
    assert f"{find_home().templates}:1:" in done.err

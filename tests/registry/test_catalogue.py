"""What is known without asking: the catalog's data, and the user's own short names."""

from collections import Counter
from pathlib import Path

import pytest
import yaml
from web import Answer, Asked, page, web

from spaces_registry import HubAddress, Kind, UrlAddress, categories, open_registry, well_known
from spaces_registry import registry as registry_module
from spaces_registry.bookmarks import BadBookmarks, Bookmarks, find_bookmarks, load_bookmarks
from spaces_registry.catalogue import data, known_models
from spaces_registry.errors import CallFailed
from spaces_registry.hub.models import TASKS

CATALOG = Path(registry_module.__file__).parent / "catalog"


def test_every_alias_is_one_space_and_one_model() -> None:
    """An alias in two entries would mean what the file's order says."""
    for known in (well_known(), known_models()):
        aliases = Counter(alias for one in known.values() for alias in one.aliases)
        assert [alias for alias, times in aliases.items() if times > 1] == []
        assert all(alias == alias.lower() and "_" not in alias for alias in aliases)


def test_every_known_space_says_what_it_does() -> None:
    """`find` without a network rests on it."""
    for one in well_known().values():
        assert one.about
        assert one.takes
        assert one.gives
        assert one.category in categories()
    assert {"flux", "sd3", "sdxl", "playground", "z-image", "ltx-2-turbo", "qwen3-tts"} <= {
        alias for one in well_known().values() for alias in one.aliases
    }


def test_every_known_model_has_a_task_that_can_be_asked_for() -> None:
    """`models --task` must find it."""
    assert {one.task for one in known_models().values()} <= set(TASKS)


def test_no_entry_of_the_catalog_has_a_key_that_nobody_reads() -> None:
    """A comma in an unquoted line of help makes a key of its rest."""
    assert all(entry.keys() <= {"label", "gives", "help"} for entry in data("categories").values())
    keys = {"aliases", "about", "category", "tasks", "takes", "gives"}
    assert all(entry.keys() == keys for entry in data("spaces").values())
    assert all(entry.keys() == {"aliases", "about", "task"} for entry in data("models").values())


def test_no_name_of_a_parameter_has_two_meanings() -> None:
    """And no key stands twice in any file, where the last one would win in silence."""
    for groups in (data("synonyms")["groups"], data("nouns")):
        names = Counter(name for group in groups.values() for name in group)
        assert [name for name, times in names.items() if times > 1] == []
    for file in CATALOG.glob("*.yaml"):
        root = yaml.compose(file.read_text("utf-8"))
        keys = Counter(key.value for key, _ in root.value)
        assert [key for key, times in keys.items() if times > 1] == []


def own(folder: Path, text: str, environment: dict[str, str] | None = None) -> Bookmarks:
    """What a file of this text means."""
    file = folder / "spaces.yaml"
    file.write_text(text, "utf-8")
    return load_bookmarks(file, environment)


def test_own_names_lead_to_ids_and_urls(tmp_path: Path) -> None:
    """Also in place of the catalog's, for a copy of one's own."""
    found = own(tmp_path, "flux: me/my-flux\nLab: {space: https://lab.example/draw/}\n")

    assert found.aliases == {"flux": HubAddress("me/my-flux"), "lab": UrlAddress("https://lab.example/draw")}
    assert load_bookmarks(tmp_path / "none.yaml", {}) == Bookmarks()


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("a: me/app\nb: not an address", ":2: 'not an address' is not an address", "available"),
        ("a: me/app\na: me/other", ":2: 'a' stands here twice", None),
        ("a: me/app\nA: me/other", ":2: 'A' stands here twice", None),
        ("- me/app", ":1: own Spaces are written as", None),
        ("a:\n  spase: me/app", ":2: 'a' has no key 'spase'", "did you mean 'space'?"),
        ("a:\n  headers: {x: $KEY}", ":2: 'a' does not say which Space", "space:"),
        ("a:\n  space: me/app\n  headers: {x: s3cret}", ":3: the value of 'x' must be the name", "$MY_KEY"),
        ("a:\n  space: me/app\n  headers: {x: $NO}", ":3: the environment variable NO is not set", "export"),
        ("a:\n  space: me/app\n  headers: {x: $HF_TOKEN}", ":3: $HF_TOKEN is for the Hub alone", "own"),
        ("a:\n  space: me/app\n  headers: {host: $KEY}", ":3: 'host' is no header that can be set", None),
        ("a:\n  space: me/app\n  headers: {x: $LINES}", ":3: the value of LINES cannot be sent", None),
        ("a:\n  space: me/app\n  login: ada:s3cret", ":3: the value of `login` must be the name", "$MY_KEY"),
        ("a:\n  space: me/app\n  login: $KEY", ":3: the value of KEY is not of the form user:password", None),
        ("a: [", ":1:", None),
        ("a b: me/app", ":1: 'a b' is no short name", "letters"),
        ("[" * 3000, "is no YAML of ours", None),
    ],
)  # fmt: skip
def test_a_mistake_in_own_names_has_its_line(tmp_path: Path, text: str, where: str, hint: str | None) -> None:
    """And no secret is in the message, whatever was written or set."""
    environment = {"KEY": "s3cret", "HF_TOKEN": "hf_s3cret", "LINES": "s3cret\nX: y"}
    with pytest.raises(BadBookmarks) as failed:
        own(tmp_path, text, environment)

    assert where in failed.value.message
    assert failed.value.message.startswith(str(tmp_path))
    assert hint is None or hint in (failed.value.hint or "")
    assert "s3cret" not in f"{failed.value.message} {failed.value.hint}"


def test_a_file_beside_a_chain_reads_no_environment(tmp_path: Path) -> None:
    """A stranger's chain could carry the user's keys away in a header."""
    home, beside = tmp_path / "home", tmp_path / "chain"
    for folder in (home, beside):
        folder.mkdir()
    (home / "spaces.yaml").write_text("lab: {space: https://lab.example, headers: {x-key: $KEY}}\nb: me/home")
    (beside / "spaces.yaml").write_text("b: me/beside")
    found = find_bookmarks(home, beside, {"KEY": "s3cret"})

    assert found.aliases["b"] == HubAddress("me/beside")
    assert found.headers == {"https://lab.example": {"x-key": "s3cret"}}
    assert "s3cret" not in repr(found)

    (beside / "spaces.yaml").write_text("c: {space: https://evil.example, headers: {x-key: $KEY}}")
    with pytest.raises(BadBookmarks, match="may not read environment variables"):
        find_bookmarks(home, beside, {"KEY": "s3cret"})


@pytest.mark.anyio
async def test_headers_go_to_their_own_host_and_are_in_no_message(tmp_path: Path) -> None:
    """A key for one door must not be shown at another, nor come back in an error."""

    def echo(asked: Asked) -> Answer:
        return page(f"you sent {asked.headers.get('x-key')}", 500)

    with web(echo) as elsewhere:

        def moved(asked: Asked) -> Answer:
            return Answer(status=302, headers={"location": f"{elsewhere.url}{asked.path}"})

        with web(echo) as lab, web(moved) as mover:
            text = "".join(
                f"{name}: {{space: {one.url}, headers: {{x-key: $KEY}}}}\n"
                for name, one in (("lab", lab), ("mover", mover))
            )
            bookmarks = own(tmp_path, text, {"KEY": "s3cret"})
            async with open_registry(token="", own=bookmarks) as registry:
                for name in ("lab", "mover"):
                    with pytest.raises(CallFailed) as failed:
                        await registry.connect(name)
                    assert "s3cret" not in f"{failed.value!r} {failed.value.said} {failed.value.hint}"

    assert [one.headers["x-key"] for one in (*lab.asked, *mover.asked)] == ["s3cret", "s3cret"]
    assert elsewhere.asked
    assert not any("x-key" in one.headers for one in elsewhere.asked)


def test_kinds_of_the_catalog_are_kinds() -> None:
    """A misspelt kind would fail in the user's hands."""
    assert {kind for one in well_known().values() for kind in (*one.takes, *one.gives)} <= set(Kind)

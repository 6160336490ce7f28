"""The lock file: what was written reads back, what was not is refused at its place."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chains.lock.file import (
    Finding,
    InvalidLock,
    Lock,
    LockedStep,
    Question,
    UnreadableLock,
    UnwritableLock,
    as_written,
    lock_path,
    lock_text,
    outdated,
    parse_lock,
    question_of,
    read_lock,
    write_lock,
)
from chains.model import Chain, FindStep
from spaces_registry.signature import Endpoint, Kind, Parameter, Return, Wire

ChainOf = Callable[[str], Chain]

GENERATE = Endpoint(
    "/generate",
    (
        Parameter("prompt", Kind.TEXT, "Prompt", component="Textbox", closed=False),
        Parameter(
            "style", Kind.CHOICE, "Style", required=False, default="no", choices=("no", "1e5", "anime")
        ),
        Parameter("steps", Kind.INTEGER, required=False, default=4, minimum=1, maximum=50, closed=False),
    ),
    (Return("image", Kind.IMAGE, "Image"),),
    wire=Wire(3, ("prompt", None, "style", "steps"), (0,)),
)
STEP = replace(LockedStep.of("owner/name", GENERATE, "ab" * 20), gradio="6.31.0")
LOCK = Lock({"image": STEP}, "film")
TEXT = lock_text(LOCK, Path("film.lock.yaml"))

# U+F8E0 and U+F8E1 stand for brackets while a file is read
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\uf8e0\uf8e1"), max_size=12)
names = st.one_of(
    st.sampled_from(["prompt", "no", "1", "a: b", "<<", "# x", "~", "0o17", ".inf", "- a"]), words
)
numbers = st.one_of(st.integers(-(10**30), 10**30), st.floats(allow_nan=False, allow_infinity=False))
scalars = st.one_of(st.none(), st.booleans(), numbers, names)
values = st.recursive(
    scalars,
    lambda one: st.one_of(st.lists(one, max_size=3), st.dictionaries(names, one, max_size=3)),
    max_leaves=6,
)
kinds = st.sampled_from(list(Kind))
several = st.lists(names, max_size=3).map(tuple)
parameters = st.builds(
    Parameter,
    names,
    kinds,
    names,
    st.booleans(),
    values,
    st.one_of(st.none(), st.lists(scalars, max_size=4).map(tuple)),
    st.booleans(),
    st.one_of(st.none(), numbers),
    st.one_of(st.none(), numbers),
    st.booleans(),
    st.booleans(),
    names,
)
returns = st.builds(Return, names, kinds, names, st.booleans(), names)
endpoints = st.builds(
    Endpoint,
    names,
    st.lists(parameters, max_size=4, unique_by=lambda one: one.name).map(tuple),
    st.lists(returns, max_size=3, unique_by=lambda one: one.name).map(tuple),
)
several_kinds = st.lists(kinds, max_size=3).map(tuple)
questions = st.builds(
    Question, names, several, several_kinds, several_kinds, st.one_of(st.none(), names), several
)


@st.composite
def steps(draw: st.DrawFn) -> LockedStep:
    """Locked steps with bindings of their own parameters."""
    endpoint = draw(endpoints)
    bound = draw(st.lists(st.sampled_from([one.name for one in endpoint.parameters] or [""]), unique=True))
    bound = bound if endpoint.parameters else []
    written = draw(st.lists(names, min_size=len(bound), max_size=len(bound), unique=True))
    return replace(
        LockedStep.of(draw(names), endpoint, draw(st.one_of(st.none(), names))),
        binding=dict(zip(written, bound, strict=True)),
        written=draw(st.one_of(st.none(), names)),
        found=draw(st.one_of(st.none(), st.builds(Finding, questions, several))),
        gradio=draw(st.one_of(st.none(), names)),
    )


locks = st.builds(Lock, st.dictionaries(names, steps(), max_size=3), names)
quick = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def problem_of(text: str) -> tuple[str, int, int]:
    """The code and place of the first thing wrong with a lock."""
    with pytest.raises(InvalidLock) as caught:
        parse_lock(text, "film.lock.yaml")
    first = caught.value.problems[0]
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"film.lock.yaml:{first.at.line}:{first.at.column}: ")
    assert caught.value.hint
    return first.code, first.at.line, first.at.column


def at(piece: str) -> tuple[int, int]:
    """Where a piece of the good lock stands."""
    before = TEXT[: TEXT.index(piece)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


@quick
@given(locks)
def test_what_was_written_reads_back_as_it_was(lock: Lock) -> None:
    """A value that YAML turns into another one would be drift where there is none."""
    text = lock_text(lock, Path("f.lock.yaml"))

    again = parse_lock(text, "f.lock.yaml")

    assert again == lock
    assert all(one.signature.fingerprint == one.fingerprint for one in again.steps.values())


@quick
@given(locks)
def test_one_lock_has_one_text(lock: Lock) -> None:
    """What did not change must not show up in a diff."""
    backwards = {
        name: replace(one, binding=dict(reversed(one.binding.items()))) for name, one in lock.steps.items()
    }
    assert lock_text(replace(lock, steps=backwards), Path("f")) == lock_text(lock, Path("f"))


def test_both_of_yamls_parsers_read_it() -> None:
    """Not every machine has libyaml."""
    loaded = [yaml.load(TEXT, loader) for loader in (yaml.SafeLoader, yaml.CSafeLoader)]  # noqa: S506 - safe ones

    assert loaded[0] == loaded[1]
    assert loaded[0]["steps"]["image"]["parameters"]["style"]["choices"] == ["no", "1e5", "anime"]


def test_a_person_can_read_it() -> None:
    """The file is reviewed with the chain: a line a parameter, a line a choice, and what wrote it."""
    head, text = TEXT[: TEXT.index("lock: ")], TEXT[TEXT.index("lock: ") :]

    assert all(one.startswith("# ") for one in head.splitlines())
    assert "`spacechain lock --update`" in head
    assert text == (
        "lock: 1\n"
        "chain: film\n"
        "steps:\n"
        "  image:\n"
        "    space: owner/name\n"
        "    endpoint: /generate\n"
        f"    revision: {'ab' * 20}\n"
        "    gradio: 6.31.0\n"
        f"    fingerprint: {GENERATE.fingerprint}\n"
        "    parameters:\n"
        "      prompt: {kind: text, label: Prompt, required: true, component: Textbox}\n"
        "      style:\n"
        "        kind: choice\n"
        "        label: Style\n"
        "        default: 'no'\n"
        "        choices:\n"
        "        - 'no'\n"
        '        - "1e5"\n'
        "        - anime\n"
        "      steps: {kind: integer, default: 4, minimum: 1, maximum: 50}\n"
        "    returns:\n"
        "      image: {kind: image, label: Image}\n"
    )


def test_a_chain_without_a_lock_has_none(tmp_path: Path) -> None:
    """No lock is the normal case, not an error."""
    assert read_lock(tmp_path / "film.lock.yaml") is None
    assert read_lock(tmp_path / "nowhere" / "film.lock.yaml") is None


@pytest.mark.parametrize(
    ("chain", "lock"),
    [
        ("film.yaml", "film.lock.yaml"),
        ("a/film.v2.yml", "a/film.v2.lock.yaml"),
        ("film", "film.lock.yaml"),
        ("my.film", "my.film.lock.yaml"),
    ],
)
def test_the_lock_lies_beside_its_chain(chain: str, lock: str) -> None:
    """Two chains of one folder must not share a lock."""
    assert lock_path(Path(chain)) == Path(lock)


def test_a_lock_replaces_the_one_before_whole(tmp_path: Path) -> None:
    """Half a lock, or pieces lying about, would be committed by somebody."""
    path = tmp_path / "film.lock.yaml"
    write_lock(path, Lock({"old": STEP}, "film"))

    write_lock(path, LOCK)

    assert read_lock(path) == LOCK
    assert [one.name for one in tmp_path.iterdir()] == ["film.lock.yaml"]


def test_a_link_to_a_lock_stays_a_link(tmp_path: Path) -> None:
    """Whoever keeps locks elsewhere keeps them there."""
    real, link = tmp_path / "real.yaml", tmp_path / "film.lock.yaml"
    write_lock(real, Lock({}, "film"))
    link.symlink_to(real)

    write_lock(link, LOCK)

    assert link.is_symlink()
    assert read_lock(real) == LOCK


def test_a_lock_is_as_readable_as_other_files(tmp_path: Path) -> None:
    """A file that only its writer can read breaks the build of everybody else."""
    path, other = tmp_path / "film.lock.yaml", tmp_path / "other"
    other.touch()

    write_lock(path, LOCK)

    assert path.stat().st_mode == other.stat().st_mode


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A lock that was not written must not look as if it was."""
    path = tmp_path / "nowhere" / "film.lock.yaml"
    with pytest.raises(UnwritableLock) as caught:
        write_lock(path, LOCK)
    assert (caught.value.code, caught.value.path) == ("unwritable-lock", path)
    assert caught.value.hint


def test_a_folder_of_that_name_is_no_lock(tmp_path: Path) -> None:
    """What the system says must come out as our own error."""
    with pytest.raises(UnreadableLock):
        read_lock(tmp_path)
    (tmp_path / "film.lock.yaml").mkdir()
    with pytest.raises(UnwritableLock):
        write_lock(tmp_path / "film.lock.yaml", LOCK)
    assert [one.name for one in tmp_path.iterdir()] == ["film.lock.yaml"]


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "default", [float("nan"), float("-inf"), "\ud800", 10**200, nested(100), nested(800), "x" * 1_000_000]
)
def test_what_yaml_cannot_hold_is_refused_and_the_old_lock_kept(tmp_path: Path, default: Any) -> None:
    """An app may describe itself with anything; a lock that nobody can read again is worse than none."""
    path = tmp_path / "film.lock.yaml"
    write_lock(path, LOCK)
    odd = Endpoint("/x", (Parameter("p", Kind.JSON, required=False, default=default),))

    with pytest.raises(UnwritableLock) as caught:
        write_lock(path, Lock({"image": STEP, "odd": LockedStep.of("o/a", odd)}, "film"))

    assert "\n" not in caught.value.message
    assert read_lock(path) == LOCK


@pytest.mark.parametrize(
    ("before", "after", "code", "piece"),
    [
        ("lock: 1", "lock: 2", "unknown-lock-version", "1\nchain"),
        ("lock: 1", "lock: 0", "unknown-lock-version", "1\nchain"),
        ("lock: 1", "lock: true", "invalid-lock", "1\nchain"),
        ("lock: 1\n", "", "invalid-lock", "lock: 1"),
        ("kind: integer", "kind: intger", "invalid-lock", "integer"),
        ("default: 4", "default: 5", "edited-lock", GENERATE.fingerprint),
        ("- anime", "- manga", "edited-lock", GENERATE.fingerprint),
        ("minimum: 1,", "minimum: 1.0,", "edited-lock", GENERATE.fingerprint),
        ("maximum: 50", "maximum: many", "invalid-lock", "50}"),
        ("maximum: 50", "highest: 50", "invalid-lock", "maximum"),
        ("    gradio:", "    gradoi:", "invalid-lock", "gradio"),
        ("space: owner/name", "space: 3", "invalid-lock", "owner/name"),
        ("space: owner/name", "space:", "invalid-lock", "\n    endpoint"),
        ("    gradio", "    gradio: 5\n    gradio", "duplicate-key", "gradio"),
        ("6.31.0", "6.31.0\n    binding: {text: promt}", "edited-lock", "fingerprint"),
        ("6.31.0", "6.31.0\n    binding: {a: prompt, b: prompt}", "edited-lock", "fingerprint"),
        ("6.31.0", "6.31.0\n    binding: [a]", "invalid-lock", "fingerprint"),
        ("    revision", "   revision", "yaml-syntax", "revision"),
    ],
)
def test_a_damaged_lock_is_shown_at_its_place(before: str, after: str, code: str, piece: str) -> None:
    """Locks are merged and edited in haste; a silent half-truth would call the wrong thing."""
    assert before in TEXT

    found, line, _ = problem_of(TEXT.replace(before, after, 1))

    assert found == code
    assert abs(line - at(piece)[0]) <= 1


def test_a_wrong_value_is_shown_at_its_column() -> None:
    """The caret is what an editor jumps to."""
    assert problem_of(TEXT.replace("kind: integer", "kind: intger")) == ("invalid-lock", *at("integer"))
    assert problem_of(TEXT.replace("default: 4", "default: 5")) == ("edited-lock", *at(GENERATE.fingerprint))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-lock"),
        ("# only a comment\n", "empty-lock"),
        ("- a\n", "invalid-lock"),
        ("film", "invalid-lock"),
        (TEXT[: TEXT.index("    fingerprint")], "invalid-lock"),
        (TEXT[: TEXT.index("      steps: {")], "edited-lock"),
        (TEXT + "--- {}\n", "several-documents"),
        (TEXT.replace("lock: 1", "<<<<<<< HEAD\nlock: 1\n=======\nlock: 1\n>>>>>>> other"), "merge-conflict"),
        ("a: \0", "control-character"),
        ("a: &x [*x]", "bad-alias"),
        ("a: !!python/object:os.system x", "yaml-tag"),
    ],
)
def test_what_is_no_lock_is_told_from_one(text: str, code: str) -> None:
    """Whatever lies there under that name, the message says what it is."""
    assert problem_of(text)[0] == code


def test_a_lock_that_is_not_utf8_is_shown_where_it_begins(tmp_path: Path) -> None:
    """Some editors still save in their own encoding."""
    path = tmp_path / "film.lock.yaml"
    path.write_bytes(TEXT.replace("anime", "animé").encode("latin-1"))

    with pytest.raises(InvalidLock) as caught:
        read_lock(path)

    problem = caught.value.problems[0]
    assert (problem.code, problem.at.line) == ("not-utf8", at("anime")[0])


@quick
@given(
    st.integers(0, len(TEXT)),
    st.integers(0, 30),
    st.one_of(words, st.sampled_from(["\n", "  ", ": ", "{", "'"])),
)
def test_a_lock_changed_anywhere_is_a_lock_or_invalid(start: int, length: int, piece: str) -> None:
    """Nothing that an edit leaves behind may end in a traceback."""
    try:
        lock = parse_lock(TEXT[:start] + piece + TEXT[start + length :], "f.lock.yaml")
    except InvalidLock:
        return
    assert all(one.signature.fingerprint == one.fingerprint for one in lock.steps.values())


def test_a_chain_sees_an_endpoint_under_the_names_that_it_writes() -> None:
    """The engine hands arguments over by the chain's names, and the app gets them at its own positions."""
    seen = as_written(GENERATE, {"text": "prompt"})

    assert [one.name for one in seen.parameters] == ["text", "style", "steps"]
    assert seen.wire == Wire(3, ("text", None, "style", "steps"), (0,))
    assert seen.parameters[0] == replace(GENERATE.parameters[0], name="text")
    assert (seen.returns, seen.name) == (GENERATE.returns, GENERATE.name)


def test_a_name_that_is_taken_by_another_parameter_goes_to_the_chain() -> None:
    """An app may grow a parameter of the very name that a chain writes for another one."""
    seen = as_written(GENERATE, {"style": "prompt", "gone": "not there"})

    assert [one.name for one in seen.parameters] == ["style", "style_2", "steps"]


def test_names_may_be_swapped() -> None:
    """Two names changing places is no conflict."""
    seen = GENERATE.with_names({"prompt": "style", "style": "prompt"})

    assert [one.name for one in seen.parameters] == ["style", "prompt", "steps"]
    assert seen.wire.inputs == ("style", None, "prompt", "steps")


@pytest.mark.parametrize("wrong", [{"promt": "text"}, {"prompt": "style"}, {"prompt": "a", "style": "a"}])
def test_names_that_cannot_be_are_refused(wrong: dict[str, str]) -> None:
    """A call with two arguments of one name would lose one without a word."""
    with pytest.raises(ValueError, match="/generate"):
        GENERATE.with_names(wrong)


FIND = """
steps:
  voice:
    find: speak a text
    with: {text: hello}
outputs: {voice: $voice.audio}
"""


def locked_find(chain: Chain) -> Lock:
    """A lock of the chain above."""
    step = chain.steps["voice"]
    assert isinstance(step, FindStep)
    found = Finding(question_of(step, chain), ("it takes text and gives audio",))
    return Lock({"voice": replace(STEP, found=found)}, chain.name)


def test_the_same_question_has_the_same_answer(chain_of: ChainOf) -> None:
    """As long as a chain asks the same, its lock holds."""
    lock = locked_find(chain_of(FIND))

    assert [*outdated(chain_of(FIND), parse_lock(lock_text(lock, Path("f")), "f"))] == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("speak a text", "sing a text"),
        ("text: hello", "words: hello"),
        ("with:", "gives: video\n    with:"),
        ("with:", "among: [a/b]\n    with:"),
        ("with:", "category: text-to-speech\n    with:"),
        ("$voice.audio", "$voice.video"),
    ],
)
def test_a_changed_question_is_noticed(chain_of: ChainOf, before: str, after: str) -> None:
    """The answer to another question must not be used for this one."""
    lock, chain = locked_find(chain_of(FIND)), chain_of(FIND.replace(before, after))

    problems = [*outdated(chain, lock)]

    assert [(one.code, one.severity, one.step) for one in problems] == [("lock-outdated", "warning", "voice")]
    assert (problems[0].at.line, problems[0].at.column) == (4, 11)


@pytest.mark.parametrize(
    ("step", "is_told"),
    [
        ("{space: owner/name, endpoint: /generate}", 0),
        ("{space: owner/name}", 0),
        ("{space: namealias}", 0),
        ("{space: owner/other}", 1),
        ("{space: owner/name, endpoint: /other}", 1),
        ("{find: an image}", 1),
        ("{media: frame}", 0),
    ],
)
def test_a_step_that_names_another_place_is_not_the_locked_one(
    chain_of: ChainOf, step: str, is_told: int
) -> None:
    """Whoever edits the chain means what it says now."""
    lock = Lock({"image": replace(STEP, written="namealias")}, "film")

    problems = [*outdated(chain_of(f"steps:\n  image: {step}\n"), lock, frozen=True)]

    assert [one.severity for one in problems] == ["error"] * is_told


def test_a_step_without_a_lock_is_said(chain_of: ChainOf) -> None:
    """A frozen run of a step that nobody pinned would be frozen in name alone."""
    problems = [*outdated(chain_of("steps:\n  other: {space: o/a}\n"), LOCK)]

    assert [one.message for one in problems] == ["step `other` is not in the lock"]


def test_a_lock_killed_while_it_is_written_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    """A closed laptop must not cost the lock."""
    path = tmp_path / "film.lock.yaml"
    write_lock(path, LOCK)
    code = (
        "import sys\nfrom pathlib import Path\nfrom dataclasses import replace\n"
        "from chains.lock.file import read_lock, write_lock\n"
        "path = Path(sys.argv[1])\nlock = read_lock(path)\n"
        "print('ready', flush=True)\n"
        "for number in range(10**9): write_lock(path, replace(lock, chain=f'film-{number % 2}'))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        seen = {lock.chain for _ in range(30) if (lock := read_lock(path)) is not None}
        writer.kill()

    last = read_lock(path)
    assert last is not None
    assert {*seen, last.chain} <= {"film", "film-0", "film-1"}


def test_nothing_of_this_machine_is_in_it(tmp_path: Path) -> None:
    """A lock is shared: no folder, user or date of whoever wrote it."""
    path = tmp_path / "film.lock.yaml"
    write_lock(path, LOCK)
    text = path.read_text(encoding="utf-8")

    assert str(tmp_path) not in text
    assert os.path.expanduser("~") not in text  # noqa: PTH111 - the text, not the path
    assert text == TEXT
    assert json.loads(json.dumps(yaml.safe_load(text))) == yaml.safe_load(text)


def test_the_example_of_the_documentation_is_a_lock() -> None:
    """People compare their own file with it."""
    page = (Path(__file__).parents[2] / "docs" / "lock.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]

    lock = parse_lock(example, "film.lock.yaml")

    assert lock_text(lock, Path("film.lock.yaml")).endswith(example)

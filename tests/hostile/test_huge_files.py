"""Files as nobody writes them are read in seconds or refused in words, and told in bounds."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from chains.meaning.paths import unusable

COMMANDS = Path(__file__).parents[1] / "bounded_commands.py"
CHECK = ("check", "--static", "huge.yaml")
MOST_PRINTED = 60_000
CPU_S = 10  # ten times what the slowest takes; what grows with the square of a file takes minutes
FINE = """
inputs:
  text: {kind: text, default: a}
  many: {kind: text, many: true, default: [a]}
  picture: {kind: image}
steps:
  small: {media: resize, with: {image: $inputs.picture, width: 100}}
"""
Files: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, and how many characters it printed."""

    code: int
    printed: int


def ended(folder: Path, cases: Mapping[str, tuple[Files, tuple[str, ...]]]) -> dict[str, Ended]:
    """Run commands over files, each in a folder of its own and within its share of processor time."""
    asked = []
    for number, (name, (files, words)) in enumerate(cases.items()):
        place = folder / str(number)
        place.mkdir()
        for file, text in files.items():
            (place / file).write_text(text, encoding="utf-8")
        asked.append({"name": name, "folder": str(place), "words": words})
    done = subprocess.run(
        [sys.executable, str(COMMANDS), str(CPU_S)],
        input="".join(json.dumps(one) + "\n" for one in asked),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert lines[-1:] == ["done"], f"it was killed at {lines[-1:]}: {done.stderr[-2000:]}"
    told = [json.loads(one) for one in lines[:-1] if one.startswith("{")]
    return {one["name"]: Ended(one["code"], one["printed"]) for one in told}


def steps(body: str) -> str:
    """A chain of one step."""
    return f"steps:\n  made:\n    media: resize\n{body}"


def many(line: str, count: int) -> str:
    """A line over and over, with its number in it."""
    return "".join(line.replace("#", str(number)) for number in range(count))


def expressions(text: str, count: int) -> str:
    """A chain whose step is given a list of expressions."""
    listed = ", ".join(f"'${{{{ {text} }}}}'" for _ in range(count))
    return steps(f"    with: {{image: [{listed}]}}\n")


CHAINS = {
    "unknown keys": many("key#: 1\n", 24_000),
    "unknown keys of a step": steps(many("    key#: 1\n", 24_000)),
    "steps of an unknown kind": "steps:\n" + many("  step#: {spcae: a/b}\n", 12_000),
    "one key over and over": steps("    with: {image: a}\n" * 20_000),
    "keys that are no text": many("#: 1\n", 24_000),
    "tags": "steps: [" + "!x 1, " * 40_000 + "]",
    "aliases of nothing": "steps: [" + many("*x#, ", 20_000) + "]",
    "braces without end": "steps: " + "{" * 900_000,
    "braces in an error": "steps: a: " + "{{ x " * 180_000,
    "an open quote": 'steps: "' + "x y\n" * 200_000,
    "steps that read from each other": "steps:\n"
    + many("  step#: {media: resize, with: {image: $step#.image}}\n", 9000),
    "inputs": "inputs:\n" + many("  name#: 1\n", 20_000) + steps(""),
    "outputs": steps("") + "outputs:\n" + many("  name#: $step#.image\n", 20_000),
    "arguments of a service": steps("").replace("media: resize", "service: replicate\n    with:")
    + many("      name#: 1\n", 20_000),
    "references": steps(f"    with: {{image: [{'$inputs.a, ' * 45_000}]}}\n"),
    "a deep reference": steps(f"    with: {{image: $inputs.a{'[0]' * 300_000}}}\n"),
    "expressions in a text": steps(f"    with: {{image: '{'${{ inputs.a }} ' * 60_000}'}}\n"),
    "expressions of many terms": expressions("1" + " + 1" * 480, 480),
    "expressions of many parts": expressions("inputs.a" + ".b" * 95, 4500),
    "expressions that make lists": expressions("range(10000)", 25_000),
    "a path of many parts": steps(f"    with: {{image: {'a/' * 400_000}b.png}}\n"),
    "a nested chain of many parts": steps("").replace("media: resize", f"chain: {'a/' * 400_000}b.yaml"),
    "a function in a file of many parts": steps("").replace(
        "media: resize", f"python: {'a/' * 400_000}b.py:f"
    ),
    "a pattern": steps(f"    expect: {{matches: '{'(a?)' * 200_000}'}}\n"),
    "long names that are alike": steps(f"    with: {{{'a' * 400_000}: 1}}\n")
    + f"outputs: {{made: ${'a' * 300_000}b.image}}\n",
}


def test_a_huge_chain_is_refused_within_seconds(tmp_path):
    """Forty thousand unknown keys took a minute; a stranger's chain could keep a machine busy for a day."""
    cases = {name: ({"huge.yaml": text}, CHECK) for name, text in CHAINS.items()}

    for name, one in ended(tmp_path, cases).items():
        assert (name, one.code, one.printed < MOST_PRINTED) == (name, 2, True)


SERVICE = steps("").replace("media: resize", "service: replicate")
TOO_MANY = {
    "steps": "steps:\n" + many("  step#: {media: silence, with: {seconds: 1}}\n", 1001),
    "inputs": "inputs:\n" + many("  name#: a\n", 1001) + steps(""),
    "outputs": steps("") + "outputs:\n" + many("  name#: $made.image\n", 1001),
    "limits": "limits:\n" + many("  place#: {per_minute: 5}\n", 1001) + steps(""),
    "templates": "templates:\n" + many("  name#: a\n", 1001) + steps(""),
    "env": f"env: [{many('NAME#, ', 1001)}]\n{steps('')}",
    "with": f"{SERVICE}    with:\n" + many("      name#: 1\n", 1001),
    "outputs of a step": f"{SERVICE}    outputs:\n" + many("      name#: a\n", 1001),
    "needs": steps(f"    needs: [{many('step#, ', 1001)}]\n"),
    "matrix": steps("    matrix:\n" + many("      name#: [1]\n", 101)),
}


@pytest.mark.parametrize("what", TOO_MANY)
def test_there_is_a_bound_on_how_many_there_may_be_of_everything(spacechain, tmp_path, what):
    """Work that grows with each of them is so bounded, and the words say what is too many."""
    (tmp_path / "many.yaml").write_text(TOO_MANY[what])
    code, said = spacechain("check", "--static", "many.yaml")

    assert code == 2
    assert f"`{what.partition(' ')[0]}` has more than {'100' if what == 'matrix' else '1,000'} items" in said


def test_expressions_have_so_many_characters_in_all(spacechain, tmp_path):
    """Each of them takes work, however short it is."""
    body = steps(f"    with: {{image: [{'$inputs.a, ' * 12_000}]}}\n")
    (tmp_path / "many.yaml").write_text("inputs: {a: {kind: image}}\n" + body)
    code, said = spacechain("check", "--static", "many.yaml")

    assert code == 2
    assert "more than 100,000 characters of expressions and references" in said


LOCK = "lock: 1\nchain: fine\nsteps:\n  said:\n"
OTHERS: Mapping[str, tuple[Files, tuple[str, ...]]] = {
    "a lock of unknown keys": ({"fine.lock.yaml": many("key#: 1\n", 24_000)}, ("check", "fine.yaml")),
    "a lock of tags": ({"fine.lock.yaml": f"lock: [{'!x 1, ' * 40_000}]"}, ("check", "fine.yaml")),
    "a lock of bindings": (
        {"fine.lock.yaml": f"{LOCK}    binding:\n{many('      name#: same', 20_000)}"},
        ("check", "fine.yaml"),
    ),
    "Spaces without end": ({"spaces.yaml": f"a: {'{' * 250_000}"}, ("check", "--static", "fine.yaml")),
    "Spaces of unknown keys": (
        {"spaces.yaml": many("a#: {key: 1}\n", 15_000)},
        ("check", "--static", "fine.yaml"),
    ),
    "an open quote in .env": ({".env": 'A_KEY="' + "x\n" * 45_000}, ("check", "--static", "fine.yaml")),
    "escapes in .env": ({".env": "A_KEY='" + "\\\n" * 45_000}, ("check", "--static", "fine.yaml")),
    "columns": ({"t.csv": ",".join(f"name{one}" for one in range(40_000))}, ("batch", "fine.yaml", "t.csv")),
    "columns of one name": ({"t.csv": "text," * 100_000}, ("batch", "fine.yaml", "t.csv")),
    "columns row by row": ({"t.jsonl": many('{"name#": 1}\n', 30_000)}, ("batch", "fine.yaml", "t.jsonl")),
    "columns nearly an input": ({"t.csv": "text," + many("man#,", 30_000)}, ("batch", "fine.yaml", "t.csv")),
    "an open quote in a table": ({"t.csv": 'text\n"' + "x\n" * 400_000}, ("batch", "fine.yaml", "t.csv")),
    "a table of one line": ({"t.jsonl": '{"text": "' + "x" * 5_000_000}, ("batch", "fine.yaml", "t.jsonl")),
    "rows of words": ({"t.jsonl": "x\n" * 300_000}, ("batch", "fine.yaml", "t.jsonl")),
    "a service of wrong endpoints": (
        {"fine.yaml": steps("").replace("media: resize", "service: ./s.yaml")}
        | {"s.yaml": "name: s\nurl: http://127.0.0.1:1\nendpoints:\n" + many("  end#: {pth: /x}\n", 11_000)},
        ("check", "--static", "fine.yaml"),
    ),
    "unknown inputs": ({"i.yaml": many("name#: 1\n", 24_000)}, ("plan", "fine.yaml", "--inputs", "i.yaml")),
    "inputs of tags": (
        {"i.yaml": many("name#: !x 1\n", 20_000)},
        ("plan", "fine.yaml", "--inputs", "i.yaml"),
    ),
}


def test_a_huge_file_beside_a_chain_is_refused_within_seconds(tmp_path):
    """Each is read before anything else is, so that even `check` hung."""
    cases = {name: ({"fine.yaml": FINE, **files}, words) for name, (files, words) in OTHERS.items()}

    found = ended(tmp_path, {"fine": ({"fine.yaml": FINE}, ("check", "--static", "fine.yaml")), **cases})
    assert found.pop("fine").code == 0
    for name, one in found.items():
        assert (name, one.code, one.printed < MOST_PRINTED) == (name, 2, True)


def test_a_hundred_problems_are_shown_and_the_others_counted(spacechain, tmp_path):
    """Nobody reads more, and twelve megabytes of them hide the first."""
    (tmp_path / "wrong.yaml").write_text(many("key#: 1\n", 250))
    code, said = spacechain("check", "--static", "wrong.yaml")

    assert code == 2
    assert said.count("[unknown-key]") == 99
    assert "and 151 more\n251 errors" in said  # `steps` is missing, too


def test_json_says_how_many_problems_it_leaves_out(spacechain, tmp_path):
    """A program that counts them must not take a hundred for all."""
    (tmp_path / "wrong.yaml").write_text(many("key#: 1\n", 250))
    _, said = spacechain("check", "--static", "wrong.yaml", "--json")

    assert said.count('"unknown-key"') == 99
    assert '"more": 151' in said


def test_errors_come_before_warnings_where_not_all_are_shown(spacechain, tmp_path):
    """A hundred warnings above the mistake would hide why the chain does not run."""
    inputs = "inputs:\n" + many("  name#: a\n", 150)
    (tmp_path / "wrong.yaml").write_text(f"{inputs}{steps('')}outputs: {{made: $gone.image}}\n")
    code, said = spacechain("check", "--static", "wrong.yaml")

    assert code == 2
    assert "[unknown-step]" in said


WAYS = {
    "an argument": 'media: resize, with: {image: "PATH.png"}',
    "a function": 'python: "PATH.py:work"',
    "a nested chain": 'chain: "PATH.yaml"',
    "a service": 'service: "./PATH.yaml"',
}
PATHS = {
    "links in a circle": "loop",
    "a null character": "lo\\0op",
    "too long for a name": "a" * 300,
    "YAML did not expect": "\\ud800",
    "longer than 4,096 characters": "a/" * 3000,
}


@pytest.mark.parametrize(("why", "path"), PATHS.items(), ids=PATHS)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("command", [("check", "--static"), ("run",)], ids=["check", "run"])
def test_a_path_at_which_nothing_can_lie_is_a_mistake_of_the_chain(
    spacechain, tmp_path, command, way, why, path
):
    """It is no fault of ours, and is told where it stands and why."""
    for suffix in ("png", "py", "yaml"):
        (tmp_path / f"loop.{suffix}").symlink_to(f"loop.{suffix}")
    (tmp_path / "c.yaml").write_text(f"steps:\n  made: {{{way.replace('PATH', path)}}}\n")
    code, said = spacechain(*command, "c.yaml")

    assert code == 2
    assert "c.yaml:2:" in said
    assert why in said


def test_half_a_character_is_in_no_path(tmp_path):
    """YAML and expressions refuse one before it comes so far; no system has a name for it."""
    assert unusable("\ud800.png", tmp_path) == "holds half a character"


@pytest.mark.parametrize(("why", "path"), PATHS.items(), ids=PATHS)
def test_such_a_path_is_no_default_either(spacechain, tmp_path, why, path):
    """A default is looked for where the chain lies, as an argument is."""
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "c.yaml").write_text(
        f'inputs:\n  picture: {{kind: image, default: "{path}.png"}}\nsteps:\n'
        "  made: {media: resize, with: {image: $inputs.picture, width: 8}}\n"
    )
    code, said = spacechain("check", "--static", "c.yaml")

    assert code == 2
    assert "c.yaml:2:" in said
    assert why in said


@pytest.mark.parametrize("path", ["a" * 300, "a\0b.png", "loop.png", "~nobody-here/a.png"])
def test_such_a_path_in_a_table_is_a_mistake_of_its_row(spacechain, tmp_path, path):
    """All rows are looked at before the first call, and no path in one of them is a fault of ours."""
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "c.yaml").write_text(FINE)
    (tmp_path / "t.jsonl").write_text(json.dumps({"picture": path}) + "\n")
    code, said = spacechain("batch", "c.yaml", "t.jsonl")

    assert code == 2
    assert "row 1" in said
    assert "fault" not in said


@pytest.mark.parametrize("option", ["-i", "-i @", "--inputs"])
def test_the_home_of_somebody_who_is_not_there_is_a_mistake_of_the_command(spacechain, tmp_path, option):
    """`~nobody/a.png` is a path like others; the folder it means is not there."""
    (tmp_path / "c.yaml").write_text(FINE)
    (tmp_path / "i.yaml").write_text("picture: ~nobody-here/a.png\n")
    given = {"-i": "picture=~nobody-here/a.png", "-i @": "text=@~nobody-here/a.png", "--inputs": "i.yaml"}
    code, said = spacechain("plan", "c.yaml", option.partition(" ")[0], given[option])

    assert code == 2
    assert "~nobody-here/a.png" in said


@pytest.mark.parametrize("name", ["c.lock.yaml", "spaces.yaml"])
@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN KEY-----\nc2VjcmV0\n",
        "c2VjcmV0: !c2VjcmV0 1\n",
        "c2VjcmV0 c2VjcmV0",
        "c2VjcmV0: {c2VjcmV0: 1}\n",
        "c2VjcmV0: c2VjcmV0 c2VjcmV0\n",
    ],
)
def test_nothing_of_a_file_behind_a_link_is_quoted(spacechain, tmp_path, name, secret):
    """A stranger's folder could so print the first line of a private key, into a log that others read."""
    (tmp_path / "elsewhere").write_text(secret)
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "c.yaml").write_text(FINE)
    code, said = spacechain("check", "c.yaml", "--json")

    assert code == 2
    assert name in said
    assert "BEGIN" not in said
    assert "c2VjcmV0" not in said


@pytest.mark.parametrize("before", [b"", b"\xff"], ids=["text", "bytes"])
def test_nothing_of_a_chain_behind_a_link_out_of_its_folder_is_quoted(spacechain, tmp_path, before):
    """What is called a chain may lead to any file of whoever runs it."""
    (tmp_path / "netrc").write_bytes(b"machine hub login me " + before + b"password c2VjcmV0\n")
    folder = tmp_path / "chains"
    folder.mkdir()
    (folder / "film.yaml").symlink_to(tmp_path / "netrc")
    code, said = spacechain("check", "--static", "chains/film.yaml")

    assert code == 2
    assert "c2VjcmV0" not in said
    assert "netrc" in said


@pytest.mark.parametrize("step", ["chain: ./.hidden.yaml", "service: ./.hidden.yaml"])
def test_a_hidden_file_is_neither_a_nested_chain_nor_a_service(spacechain, tmp_path, step):
    """Its lines would be told as mistakes."""
    (tmp_path / ".hidden.yaml").write_text("c2VjcmV0: 1\n")
    (tmp_path / "c.yaml").write_text(f"steps:\n  made: {{{step}}}\n")
    code, said = spacechain("check", "--static", "c.yaml")

    assert code == 2
    assert "hidden" in said
    assert "c2VjcmV0" not in said

"""What a recipe from a stranger may write: it must neither escape, nor explode, nor read what is not its."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chains.language.evaluate import EvaluationFailed, evaluate
from chains.language.expressions import parse_value
from chains.loader import load, loads
from chains.meaning.paths import read_file
from chains.problems import InvalidChain
from chains.text.reader import read
from chains.text.source import Leaf
from pipelines.engine.expectations import verify
from spaces_registry.errors import BadOutput, ToolkitError
from spaces_registry.network.queries import TooMuch, find, readable

SPACE = "steps: {a: {space: acme/app, with: {x: $inputs.x}}}\n"


def worked(expression: str, **names: object) -> object:
    """The value of an expression."""
    source, _ = read(json.dumps(f"${{{{ {expression} }}}}"), "c.yaml")
    assert isinstance(source.root, Leaf)
    template, problems = parse_value(source.root, source, {})
    if problems:
        raise InvalidChain(problems, source)
    return evaluate(template.node, names)


@pytest.mark.parametrize(
    "expression",
    [
        "().__class__.__mro__[1].__subclasses__()",
        "''.__class__",
        "inputs.__class__",
        "inputs['__class__']",
        "inputs.keys",
        "'{0.__class__}'.format(inputs)",
        "format('{0.__class__}', inputs)",
        "format('{inputs}', 1)",
        "format('{0!r}', 1)",
        "format('{:>99999999}', 1)",
        "[x for x in inputs]",
        "{x for x in inputs}",
        "(lambda: 1)()",
        "(x := 1)",
        "f'{inputs}'",
        "open('/etc/passwd')",
        "__import__('os')",
        "eval('1')",
        "getattr(inputs, 'x')",
        "join.__globals__",
        "2 ** 10000000",
        "1 << 10000000",
        "'a' * 10**9",
        "[1] * 10**9",
        "*inputs",
        "inputs; inputs",
        "await inputs",
    ],
)
def test_an_expression_reaches_nothing_of_python(expression):
    """Whoever writes a recipe writes data, and no program."""
    with pytest.raises((InvalidChain, EvaluationFailed)):
        worked(expression, inputs={"x": 1})


LONG = "x" * 900_000
ITEMS = ["y" * 90_000] * 10_000


@pytest.mark.parametrize(
    "expression",
    [
        "inputs.long + inputs.long",
        "'-' + inputs.items",
        "join(inputs.items, inputs.long)",
        "range(1000000000)",
        "range(0, 1000000000, 1)",
        "inputs.list + inputs.list",
        "format('{0}{0}{0}', inputs.long)",
        "join([inputs.items, inputs.items])",
        "[" + ", ".join(["'-' + inputs.long"] * 30) + "]",
        "[" + ", ".join(["upper(inputs.long)"] * 30) + "]",
        "len(" + "join(split(" * 20 + "inputs.long" + ", 'x'), 'xxxx')" * 20 + ")",
        "split(inputs.long, 'x')",
        "json(inputs.deep) == json(inputs.deep)",
        "1e300 * 1e300",
        "round(1e300 * 10)",
    ],
)
def test_an_expression_grows_no_larger_than_it_may(expression):
    """Doubling and doubling again, also where each single text is within its bound."""
    names = {"long": LONG, "items": ITEMS, "list": [0] * 9_000, "deep": "[" * 900 + "]" * 900}
    began = time.process_time()
    with pytest.raises(EvaluationFailed):
        worked(expression, inputs=names)
    assert time.process_time() - began < 20  # seconds of work; without a bound there is no end


def test_a_list_in_a_text_is_written_no_further_than_it_may_be():
    """Ten thousand texts of ninety kilobytes are a gigabyte of JSON."""
    source, _ = read("list ${{ inputs.items }}", "c.yaml")
    template, _ = parse_value(source.root, source, {})
    with pytest.raises(EvaluationFailed, match="longer than"):
        evaluate(template.node, {"inputs": {"items": ITEMS}})


@pytest.mark.parametrize(
    "query",
    [
        "|".join(["[@,@]"] * 40),
        "|".join(["[@,@][]"] * 40),
        "|".join(["[@,@]"] * 30) + "|to_string(@)",
        "|".join(["[@,@]"] * 30) + "|length(to_string(@))",
        "|".join(["[@,@]"] * 30) + " == " + "|".join(["[@,@]"] * 30),
        "|".join(["join('', [to_string(@), to_string(@)])"] * 40),
    ],
)
def test_a_look_into_an_answer_takes_no_more_than_it_may(query):
    """`outputs:` and service files hold such queries; thirty words double a thing a billion times."""
    with pytest.raises(TooMuch):
        find(query, [1, 2, 3])


@pytest.mark.parametrize(
    "query", ["(" * 5000 + "@" + ")" * 5000, "[" * 5000, "!" * 5000 + "a", "@.", "a[", ""]
)
def test_a_query_that_is_none_is_refused(query):
    """At the check, in one line, however deep it is."""
    assert readable(query) is not None


def test_queries_that_people_write_go_on_working():
    """Bounds must not cost what they protect."""
    answer = {"data": [{"url": "u", "n": 2}, {"url": "v", "n": 1}], "b64": "x" * 5_000_000}

    assert find("data[*].url", answer) == ["u", "v"]
    assert find("sort_by(data, &n)[0].url", answer) == "v"
    assert find("data[?n > `1`].url | [0]", answer) == "u"
    assert find("b64", answer) == "x" * 5_000_000
    assert find("length(data) == `2`", answer) is True
    assert find("join(', ', data[*].url)", answer) == "u, v"
    assert find("abs(data)", answer) is None


def test_a_pattern_is_not_searched_for_ever(tmp_path):
    """Polynomial patterns pass every check of their text, and a long text makes hours of them."""
    chain = loads(
        "steps: {a: {space: acme/app, expect: {matches: '.*.*.*.*.*.*.*=$'}}}\noutputs: {o: $a.text}\n",
        folder=tmp_path,
    )
    with pytest.raises(BadOutput, match=r"could not be searched|does not match"):
        verify(chain.steps["a"].expect, ["x" * 3_000_000], "acme/app")


ALIASES = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{new}: &{new} [*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ALIASES, "too-many-aliases"),
        ("a: &a [*a]\n", "bad-alias"),
        ("base: &b {x: 1}\nsteps: {<<: *b}\n", "merge-key"),
        ("a: !!python/object/apply:os.system ['id']\n", "yaml-tag"),
        ("a: !!python/name:os.system\n", "yaml-tag"),
        ("a: !<tag:yaml.org,2002:python/object> {}\n", "yaml-tag"),
        ("a: !!binary aGk=\n", "yaml-tag"),
        ("a: " + "[" * 100_000 + "]" * 100_000, "yaml-syntax"),
        ("a: " + "{b: " * 5_000 + "}" * 5_000, "too-deep"),
        ("? [a, b]\n: 1\n", "non-text-key"),
        ("a: 1\na: 2\n", "duplicate-key"),
        ("a: \x00\n", "control-character"),
        ("a: \x1b[31m\n", "control-character"),
        ('a: "\\ud800"\n', "yaml-syntax"),
        ("a: 1\n---\nb: 2\n", "several-documents"),
        ("x" * 1_000_001, "too-large"),
        ("- " * 60_000, "too-deep"),
        ("a: [" + "1," * 60_000 + "]", "too-large"),
        ("%YAML 9.9\n---\na: 1\n", "yaml-syntax"),
        ("&" * 10_000, "yaml-syntax"),
        ("a: .inf\nb: .nan\nc: 1e999\nd: " + "9" * 5_000 + "\n", "not-finite"),
    ],
    ids=range(21),
)
def test_no_trick_of_yaml_gets_past_the_reader(text, code, tmp_path):
    """Each is an error with a position, at once, and is called what it is."""
    began = time.process_time()
    with pytest.raises(InvalidChain) as failed:
        loads(text, folder=tmp_path)
    assert code in {one.code for one in failed.value.problems}
    assert failed.value.problems[0].at.line >= 1
    assert time.process_time() - began < 10


def test_a_byte_order_mark_is_no_trick(tmp_path):
    """Editors write it."""
    path = tmp_path / "c.yaml"
    path.write_bytes(
        b"\xef\xbb\xbf" + b"inputs: {x: {kind: text}}\n" + SPACE.encode() + b"outputs: {o: $a.text}\n"
    )
    assert load(path).name == "c"


@pytest.mark.parametrize("name", ["c.yaml", "c.lock.yaml", "acme.yaml", "inner.yaml", "mine.py"])
def test_a_pipe_in_a_chains_folder_is_not_waited_for(tmp_path, name):
    """An archive can hold one; who reads it waits for ever."""
    texts = {
        "c.yaml": "name: c\nsteps: {a: {media: convert}, s: {service: ./acme.yaml}, n: {chain: inner.yaml}, "
        "p: {python: 'mine.py:f'}}\noutputs: {o: $p.text}\n",
    }
    for one, text in texts.items():
        (tmp_path / one).write_text(text)
    if name != "c.yaml":
        os.mkfifo(tmp_path / name)
    command = [sys.executable, "-m", "pipelines.cli", "check", "c.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_file_is_read_as_far_as_it_may_be_and_a_device_never(tmp_path):
    """`/dev/zero` has no end."""
    (tmp_path / "large").write_bytes(b"x" * 5000)
    os.mkfifo(tmp_path / "pipe")

    assert len(read_file(tmp_path / "large", 100)) == 101
    for path in (Path("/dev/zero"), Path("/dev/tty"), tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError):  # noqa: PT011 - the system words it
            read_file(path)


OUTSIDE = ["/etc/passwd", "../outside.png", "link.png", "folder/x.png", "~/x.png", "file:///etc/passwd"]


@pytest.mark.parametrize(
    "name", [*OUTSIDE, "/proc/self/environ", "/dev/zero", "C:\\x.png", "\\\\host\\x.png"]
)
def test_a_chain_names_no_file_outside_its_folder(tmp_path, name):
    """Not by a path, nor by a link that lies in the folder and leads out of it."""
    folder = tmp_path / "chain"
    folder.mkdir()
    (tmp_path / "outside.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "folder").symlink_to(tmp_path, target_is_directory=True)
    text = f"inputs: {{f: {{kind: file, default: {json.dumps(name)}}}}}\n"
    text += "steps: {a: {space: acme/app, with: {x: $inputs.f}}}\n"
    (folder / "c.yaml").write_text(text + "outputs: {o: $a.text}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "check", "c.yaml", "--static"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "outside" in done.stderr


@pytest.mark.parametrize("name", ["code.py", "acme.yaml", "inner.yaml"])
def test_a_link_to_code_services_and_chains_leads_no_further(tmp_path, name):
    """What lies in the folder may be a link out of it."""
    folder = tmp_path / "chain"
    folder.mkdir()
    (tmp_path / name).write_text("def f() -> str:\n    return 'x'\n" if name == "code.py" else "steps: {}\n")
    (folder / name).symlink_to(tmp_path / name)
    step = {
        "code.py": "python: 'code.py:f'",
        "acme.yaml": "service: ./acme.yaml",
        "inner.yaml": "chain: inner.yaml",
    }
    (folder / "c.yaml").write_text(f"steps: {{a: {{{step[name]}}}}}\noutputs: {{o: $a.text}}\n")
    for command in ("check", "trust") if name != "inner.yaml" else ("check",):
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", command, "c.yaml"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "given", ["/dev/zero", "/proc/self/mem", "pipe", ".", "\x00", "x" * 5000, "https://[", "http:///x"]
)
def test_what_is_no_file_is_refused_as_an_input(tmp_path, given, monkeypatch, capsys):
    """A device has no end, and a pipe no beginning."""
    from pipelines.cli import main  # noqa: PLC0415

    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("c.yaml").write_text(
        "inputs: {f: {kind: file}}\n"
        "steps: {a: {media: convert, with: {image: $inputs.f, format: png}}}\noutputs: {o: $a.image}\n"
    )
    with pytest.raises(SystemExit) as end:
        main(["run", "c.yaml", "-i", f"f={given}"])

    assert end.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_default_on_a_network_of_ours_is_not_fetched(tmp_path, monkeypatch, capsys):
    """A recipe's URL is a stranger's: it reads neither this machine's servers nor a cloud's keys."""
    from web import Answer, web  # noqa: PLC0415

    from pipelines.cli import main  # noqa: PLC0415

    monkeypatch.chdir(tmp_path)
    with web(lambda _: Answer(b"a router's page")) as ours:
        Path("c.yaml").write_text(
            f"inputs: {{f: {{kind: file, default: '{ours.url}/x.png'}}}}\n"
            "steps: {a: {media: convert, with: {image: $inputs.f, format: png}}}\noutputs: {o: $a.image}\n"
        )
        with pytest.raises(SystemExit) as end:
            main(["run", "c.yaml"])

    assert end.value.code == 2
    assert "private network" in capsys.readouterr().err
    assert not ours.asked


def test_limits_are_raised_by_a_variable_and_a_wrong_one_is_told():
    """A film may be longer than we think; a typo must not mean the default."""
    from spaces_registry.network.bounds import BadBound, find_bounds  # noqa: PLC0415

    assert find_bounds({"SPACECHAIN_MAX_DOWNLOAD": "50GB"}).download_bytes == 50 * 2**30
    assert find_bounds({"SPACECHAIN_MAX_FILES": "7"}).files == 7
    for wrong in ("much", "-1", "0", "5 elephants", "²"):
        with pytest.raises(BadBound) as failed:
            find_bounds({"SPACECHAIN_MAX_ANSWER": wrong})
        assert isinstance(failed.value, ToolkitError)

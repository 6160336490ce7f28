"""No text makes a pattern slow, whoever wrote it: while one is matched, not even Ctrl-C gets through."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from patterns import PACKAGES, Found, Unseen, all_patterns, patterns_in

from pipelines.services.exchange import as_words
from spaces_registry.errors import Crashed, OutOfQuota
from spaces_registry.network.refusals import message_in, refused_by_text
from spaces_registry.network.spoken import refused_by_app

TIMES = Path(__file__).parents[1] / "pattern_times.py"


def slow(patterns: list[Found]) -> list[str]:
    """Those of the patterns that some text keeps busy for long."""
    asked = [
        {
            "where": one.where,
            "is_bytes": isinstance(one.pattern, bytes),
            "pattern": one.pattern if isinstance(one.pattern, str) else one.pattern.decode("latin-1"),
            "flags": one.flags,
            "ways": sorted(one.ways),
        }
        for one in patterns
    ]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(TIMES)],
        input="".join(json.dumps(one) + "\n" for one in asked),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (100, 100)),
    )
    lines = done.stdout.splitlines()
    assert lines[-1:] == ["done"], f"it was killed at {lines[-1:]}: {done.stderr[-2000:]}"
    return [one for one in lines if one.startswith("slow")]


def module_of(code: str) -> ModuleType:
    """A module of that code."""
    module = ModuleType("a_module")
    exec(code, module.__dict__)  # noqa: S102 - the code stands below
    return module


@pytest.mark.parametrize("package", PACKAGES)
def test_no_text_makes_a_pattern_slow(package):
    """`<title>` and 3,000 blanks took 38 seconds; a Space that wants to hang a run needs no more."""
    patterns = [*all_patterns(package)]
    assert len(patterns) > 20
    assert slow(patterns) == []


def test_known_wordings_are_searched_in_the_beginning_of_what_a_place_says():
    """What is said in megabytes says nothing at its end, and costs time for each wording."""
    far = "x" * 20_000 + " GPU quota"
    assert type(refused_by_app("acme/app", far)) is Crashed
    assert type(refused_by_text("acme/app", "GPU quota " + far)) is OutOfQuota
    assert len(message_in({"detail": [far, {"msg": far}]})) < 11_000
    assert len(as_words([far, far])) < 11_000


@pytest.mark.parametrize(
    ("applied", "way"),
    [
        (r're.search(r"<title[^>]*>\s*(.*?)\s*</title>", said)', "search"),
        (r're.sub(r"<[^>]*>", "", said)', "sub"),
        (r're.match(rf"(?:{LETTERS}+)+$", said)', "match"),
        (r"re.match(pattern, said)" + '\n    pattern = r"(a|b|ab)*c" if said else "x"', "match"),
        (r're.search(r"://[^/@\s]*:[^/@\s]+@", said)', "search"),
    ],
)
def test_a_slow_pattern_is_found_wherever_it_stands(applied, way):
    """A search that overlooks patterns lets the next one in."""
    code = f'import re\nLETTERS = "[a-z]"\ndef look(said):\n    {applied}\n'
    module = module_of(code)
    found = [*patterns_in(code, module)]
    assert {way} in [one.ways for one in found]
    assert slow(found)


def test_a_slow_pattern_is_found_in_a_table():
    """Tables of wordings are where patterns for what places say are kept."""
    code = 'import re\n_TABLE = ((re.compile(r"requested .* is larger"), 1),)\n'
    module = module_of(code)
    assert slow([*patterns_in(code, module)])


def test_a_pattern_that_only_a_run_knows_is_not_passed_over():
    """What cannot be read out of the code was looked at by nobody."""
    code = "import re\ndef look(pattern, said):\n    re.search(pattern, said)\n"
    module = module_of(code)
    with pytest.raises(Unseen):
        [*patterns_in(code, module)]

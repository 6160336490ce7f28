"""The watch over secrets sees each channel that one could leak by: one that never fails guards nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LEAKY = """
import base64, json, logging, sqlite3, sys, urllib.parse
import pytest

def test_stdout(secret): print("token", secret("out"))
def test_stderr(secret): print("token", secret("err"), file=sys.stderr)
def test_log(secret): logging.getLogger("x").warning("token %s", secret("log"))
def test_exception(secret): raise ValueError(secret("exception"))
def test_file(secret, tmp_path): (tmp_path / "run.json").write_text(json.dumps({"a": secret("file")}))
def test_name(secret, tmp_path): (tmp_path / secret("name")).touch()
def test_home(secret, home): (home / "signatures").write_text(secret("home"))
def test_url(secret, tmp_path):
    (tmp_path / "u").write_text(urllib.parse.quote("?key=" + secret("u r&l"), safe=""))
def test_wal(secret, tmp_path):
    global kept
    kept = sqlite3.connect(tmp_path / "journal.db")
    kept.execute("PRAGMA journal_mode = WAL")
    kept.execute("CREATE TABLE said (text)")
    kept.execute("INSERT INTO said VALUES (?)", (secret("wal"),))
    kept.commit()
@pytest.mark.parametrize("before", ["", "a", "ab", "ada:"])
def test_base64(secret, tmp_path, before):
    (tmp_path / "b").write_bytes(base64.b64encode((before + secret("basic") + ":more").encode()))
def test_clean_teardown_leaks(late): pass
@pytest.fixture
def late(secret):
    yield
    print(secret("late"))
@pytest.fixture
def home(tmp_path):
    (tmp_path / "h" / "spacechain").mkdir(parents=True)
    return tmp_path / "h" / "spacechain"

def test_good_own_file(secret, tmp_path): secret.wrote(tmp_path / ".env").write_text(secret("own"))
def test_good_used(secret, tmp_path): (tmp_path / "length").write_text(str(len(secret("used"))))
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, str]:
    """How each of the leaky tests ended, in a pytest of their own with the same watch."""
    folder = tmp_path_factory.mktemp("leaky")
    (folder / "test_leaky.py").write_text(LEAKY)
    words = ["-m", "pytest", "-p", "leaks", "-p", "no:cacheprovider", "-q", "-rA", "--tb=no"]
    (folder / "pytest.ini").write_text("[pytest]\n")  # none of ours
    words += ["-c", "pytest.ini", "--rootdir", str(folder), f"--basetemp={folder / 'tmp'}", "test_leaky.py"]
    path = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = (line.split(" - ")[0] for line in done.stdout.splitlines() if "::" in line)
    ended: dict[str, str] = {}
    for line in lines:
        outcome, _, name = line.partition(" test_leaky.py::")
        ended[name] = outcome if ended.get(name, "PASSED") == "PASSED" else ended[name]
    assert ended, done.stdout + done.stderr
    return ended


def test_a_leak_is_caught_in_every_channel(outcomes):
    """Printed, logged, raised, written, named, kept by SQLite, encoded: all of them fail their test."""
    missed = {name for name, ended in outcomes.items() if ended == "PASSED"}

    assert missed == {"test_good_own_file", "test_good_used"}
    assert len(outcomes) == 16

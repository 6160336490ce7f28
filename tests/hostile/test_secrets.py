"""Tokens and keys: in no program that we start, in no argument, in no file that others may read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from web import Answer, web

from pipelines.cli import main
from pipelines.programs.environment import environment_for_children
from pipelines.programs.ffmpeg import find_ffmpeg

SPY = """
import os
from pathlib import Path

def look() -> dict:
    told = {"environment": dict(os.environ), "arguments": []}
    for one in Path("/proc").glob("[0-9]*"):
        try:
            told["arguments"].append((one / "cmdline").read_text("utf-8", "replace"))
        except OSError:
            pass
    return told
"""
CHAIN = """
name: spied
env: [ACME_KEY]
steps: {look: {python: "spy.py:look"}}
outputs: {seen: $look.output}
"""


@pytest.fixture
def spacechain(tmp_path, monkeypatch, capsys):
    """Run the command in this process; what it printed."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([*words])
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return command


def test_a_python_step_gets_the_keys_that_its_chain_names_and_no_other(spacechain, monkeypatch, tmp_path):
    """Code that was trusted to cut a film was not trusted with the account; `ps` shows neither."""
    monkeypatch.setenv("HF_TOKEN", "hf_THEHUBSTOKEN0123456789")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-THEVENDORSKEY0123456789")
    monkeypatch.setenv("DATABASE_URL", "postgres://me:THEPASSWORD@db/x")
    monkeypatch.setenv("ACME_KEY", "acme-0123456789")
    monkeypatch.setenv("MY_SETTING", "plain")
    Path("spy.py").write_text(SPY)
    Path("c.yaml").write_text(CHAIN)
    spacechain("trust", "c.yaml")
    code, out, err = spacechain("run", "c.yaml", "--json")

    assert code == 0, err
    seen = json.loads(out)["outputs"]["seen"]["value"]
    assert seen["environment"]["MY_SETTING"] == "plain"
    assert seen["environment"]["ACME_KEY"] == "acme-0123456789"
    assert not any(one in out for one in ("THEHUBSTOKEN", "THEVENDORSKEY", "THEPASSWORD"))
    kept = next((tmp_path / "outputs").glob("*/*/run.json")).read_text()
    assert "acme-0123456789" not in kept
    assert any("python_child" in one for one in seen["arguments"])
    assert not any("acme-0123456789" in one for one in seen["arguments"])


def test_programs_of_ours_get_no_secrets(tmp_path, monkeypatch):
    """Ffmpeg reads files from strangers; a fault in it must find nothing worth taking."""
    spy = tmp_path / "ffmpeg"
    kept = str(tmp_path / "env")
    words = f"import os, json\nopen({kept!r}, 'w').write(json.dumps(dict(os.environ)))\n"
    spy.write_text(f"#!{sys.executable}\n{words}")
    spy.chmod(0o755)
    monkeypatch.setenv("SPACECHAIN_FFMPEG", str(spy))
    monkeypatch.setenv("HF_TOKEN", "hf_THEHUBSTOKEN0123456789")
    from pipelines.artifacts.measures import Unmeasurable  # noqa: PLC0415
    from pipelines.artifacts.probe import measure_media  # noqa: PLC0415

    with pytest.raises(Unmeasurable):
        measure_media(tmp_path / "x.mp4", find_ffmpeg())

    assert "THEHUBSTOKEN" not in (tmp_path / "env").read_text()
    assert json.loads((tmp_path / "env").read_text())["PATH"]


SECRET = [
    *(
        "HF_TOKEN",
        "HUGGING_FACE_HUB_TOKEN",
        "HUGGINGFACEHUB_API_TOKEN",
        "OPENAI_API_KEY",
        "FAL_KEY",
        "ACME_KEYS",
    ),
    *("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "GITHUB_PAT", "MY_PASSWORD", "DB_PASSWD", "SENTRY_DSN"),
    *("REPLICATE_API_TOKEN", "stability_key", "SESSION_COOKIE", "GOOGLE_APPLICATION_CREDENTIALS", "APIKEY"),
]
PLAIN = [
    *(
        "PATH",
        "HOME",
        "PWD",
        "OLDPWD",
        "LANG",
        "TMPDIR",
        "KEYBOARD",
        "MONKEY_BUSINESS_",
        "PATIENCE",
        "PASSAGE",
    )
]


@pytest.mark.parametrize("name", SECRET)
def test_what_its_name_calls_secret_is_kept_back(name):
    """Every vendor names it a little otherwise."""
    assert environment_for_children(environ={name: "x"}) == {}
    assert environment_for_children([name], {name: "x"}) == {name: "x"}


@pytest.mark.parametrize("name", PLAIN)
def test_what_programs_need_is_handed_on(name):
    """A program without PATH or HOME does not start."""
    assert environment_for_children(environ={name: "x"}) == {name: "x"}


def test_what_may_hold_private_data_is_its_owners_alone_whatever_the_umask(tmp_path, home):
    """Also in a home folder that was there before, open to all."""
    home.mkdir(mode=0o755, parents=True)
    home.chmod(0o755)
    (tmp_path / "spy.py").write_text("def look() -> str:\n    return 'x'\n")
    (tmp_path / "c.yaml").write_text(
        'inputs: {f: {kind: file}}\nsteps: {look: {python: "spy.py:look"}}\n'
        "outputs: {seen: $look.text, f: $inputs.f}\n"
    )
    (tmp_path / "f.txt").write_text("mine")
    script = (
        "import os, sys; os.umask(0)\nfrom pipelines.cli import main\n"
        "try: main(['trust', 'c.yaml'])\nexcept SystemExit: pass\nmain(['run', 'c.yaml', '-i', 'f=f.txt'])"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True)

    open_to_others = {
        str(Path(parent, name).relative_to(home)): oct(Path(parent, name).stat().st_mode & 0o777)
        for parent, folders, names in os.walk(home)
        for name in [*folders, *names]
        if Path(parent, name).stat().st_mode & 0o077
        and not any(
            one.stat().st_mode & 0o077 == 0 for one in [*Path(parent, name).parents][: -len(home.parents) - 1]
        )
    }
    assert not open_to_others
    outside = [one for one in home.rglob("*") if one.is_file() and one.relative_to(home).parts[0] != "store"]
    assert {one.name: oct(one.stat().st_mode & 0o777) for one in outside if one.stat().st_mode & 0o077} == {}


def test_a_user_and_password_in_a_url_are_kept_nowhere(spacechain, home, tmp_path):
    """`-i f=https://me:pass@host/x` is a secret of the user's: sent there, shown and stored never."""
    with web(lambda _: Answer(b"mine, all mine", type="text/plain")) as served:
        url = served.url.replace("http://", "http://me:THEPASSWORD@") + "/x.txt"
        Path("c.yaml").write_text(
            'inputs: {f: {kind: file}}\nsteps: {a: {python: "s.py:f"}}\n'
            "outputs: {f: $inputs.f, url: $inputs.f.url}\n"
        )
        Path("s.py").write_text("def f() -> str:\n    return 'x'\n")
        spacechain("trust", "c.yaml")
        code, out, err = spacechain("run", "c.yaml", "-i", f"f={url}")
        gone = spacechain("run", "c.yaml", "-i", f"f={url.replace(str(served.url[-5:]), '1')}")

    assert code == 0, err
    assert served.asked[0].headers["authorization"].startswith("Basic ")
    assert "THEPASSWORD" not in out + err + "".join(map(str, gone))
    for folder in (home, tmp_path / "outputs"):
        for parent, _, names in os.walk(folder):
            for name in names:
                assert b"THEPASSWORD" not in Path(parent, name).read_bytes(), name

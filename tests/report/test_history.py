"""`runs` and `show`: what was done is found again, from anywhere."""

import json
import shutil
import subprocess
import sys


def test_runs_are_listed_the_newest_first_from_any_folder(run, chain, tmp_path, monkeypatch):
    """Nobody remembers where it was."""
    run("run", chain, "-i", "colour=red")
    run("run", chain, "-i", "colour=none", "--out", "elsewhere")
    there = tmp_path / "somewhere"
    there.mkdir()
    monkeypatch.chdir(there)

    listed = json.loads(run("runs", "--json").out)

    assert [one["status"] for one in listed] == ["failed", "succeeded"]
    good = next(one for one in listed if one["status"] == "succeeded")
    assert good.keys() == {"run", "chain", "status", "started", "seconds", "calls", "outputs", "folder"}
    assert (good["chain"], good["calls"], list(good["outputs"])) == ("still", 2, ["picture", "said"])
    assert json.loads(run("runs", "other", "--json").out) == []
    assert len(json.loads(run("runs", "--json", "--limit", "1").out)) == 1
    assert len(json.loads(run("runs", "--json", "--out", tmp_path / "elsewhere").out)) == 1


def test_a_run_whose_folder_is_gone_is_not_listed_and_one_that_moved_is_found_by_its_folder(
    run, chain, tmp_path
):
    """People tidy up, and the list must not break over it."""
    run("run", chain, "-i", "colour=red")
    run("run", chain, "-i", "colour=blue")
    first, second = sorted((tmp_path / "outputs" / "still").iterdir())
    shutil.rmtree(first)
    shutil.move(second, tmp_path / "kept")

    assert json.loads(run("runs", "--json").out) == []
    gone = run("show", second.name)
    assert gone.code == 2
    assert "if it was moved, name the folder" in gone.err
    assert json.loads(run("show", tmp_path / "kept", "--json").out)["run"] == second.name
    assert len(json.loads(run("runs", "--json", "--out", tmp_path / "kept").out)) == 1


def test_a_run_is_shown_with_its_steps_and_what_was_said(run, chain):
    """What failed, why, and what did not start for it."""
    run("run", chain, "-i", "colour=none")

    done = run("show", "last")

    assert done.code == 0
    assert "there is no <b>none</b>" in done.out
    assert "step 'draw' failed" in done.out
    assert "draw did not succeed at once" not in done.out


def test_a_value_is_shown_as_json(run, tmp_path):
    """What Python calls None is nothing that could be pasted anywhere."""
    (tmp_path / "facts.yaml").write_text(
        "name: facts\nsteps: {pause: {media: silence}, it: {media: probe, with: {file: $pause.audio}}}\n"
        "outputs: {facts: $it.json}\n"
    )
    run("run", "facts.yaml")

    (line,) = [one for one in run("show", "last").out.splitlines() if one.startswith("facts: ")]
    assert json.loads(line.removeprefix("facts: "))["width"] is None


def test_a_run_is_named_by_its_beginning_if_there_is_one_such(run, chain):
    """Ids are long."""
    run("run", chain, "-i", "colour=red")
    run("run", chain, "-i", "colour=red")
    ids = [one["run"] for one in json.loads(run("runs", "--json").out)]

    several = run("show", "2")
    assert several.code == 2
    assert "2 runs begin with '2'" in several.err
    assert all(one in several.err for one in ids)
    assert json.loads(run("show", ids[0][:-1], "--json").out)["run"] == ids[0]
    nothing = run("show", "nothing")
    assert (nothing.code, "there is no run 'nothing'" in nothing.err) == (2, True)


def test_a_run_that_was_killed_counts_as_interrupted(run, chain, tmp_path, home):
    """It had no time to say so itself."""
    run("run", chain, "-i", "colour=red")
    (folder,) = (tmp_path / "outputs" / "still").iterdir()
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "status": "running"}))
    over = subprocess.Popen([sys.executable, "-c", ""])
    over.wait()
    index = home / "runs.jsonl"
    lines = [{**json.loads(one), "process": over.pid} for one in index.read_text().splitlines()]
    index.write_text("".join(json.dumps(one) + "\n" for one in lines) + '{"run": "torn')

    assert [one["status"] for one in json.loads(run("runs", "--json").out)] == ["interrupted"]
    assert json.loads(run("show", "last", "--json").out)["status"] == "interrupted"
    assert "go on from there with: spacechain resume " in run("show", "last").err

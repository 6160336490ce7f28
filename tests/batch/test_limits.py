"""What a place is asked for is counted over all rows of a batch, not row by row."""

import httpx2


def counted(app, name):
    """How often something happened, by the app's own count."""
    answer = httpx2.post(f"{app.url}/gradio_api/run/calls", json={"data": []})
    return int(answer.json()["data"][0].get(name, 0))


def test_rows_at_once_keep_a_places_limit_together(run, tmp_path, app):
    """Four rows at once must not be four times as many calls as the chain allows."""
    (tmp_path / "wait.yaml").write_text(f"""
name: wait
inputs: {{prompt: {{kind: text}}}}
limits: {{"{app.url}": {{concurrency: 1}}}}
steps:
  wait: {{space: "{app.url}", endpoint: /wait, with: {{seconds: 0.1, text: $inputs.prompt}}}}
outputs: {{said: $wait.text}}
""")
    (tmp_path / "table.csv").write_text("prompt\na\nb\nc\na\nd\n")

    done = run("batch", "wait.yaml", "table.csv", "--workers", "5")

    assert done.code == 0
    assert counted(app, "wait") == 4
    assert counted(app, "most-waits") == 1


def test_a_row_that_is_blocked_parks_the_others(run, tmp_path, app):
    """What one row may not use, the next one may not either; asking would only cost."""
    (tmp_path / "shout.yaml").write_text(f"""
name: shout
inputs: {{prompt: {{kind: text}}}}
budget: {{calls: 1}}
steps:
  one: {{space: "{app.url}", endpoint: /shout, with: {{text: $inputs.prompt}}}}
  two: {{space: "{app.url}", endpoint: /shout, with: {{text: $one.text}}}}
outputs: {{said: $two.text}}
""")
    (tmp_path / "table.csv").write_text("prompt\na\nb\nc\n")
    before = counted(app, "shout")

    done = run("batch", "shout.yaml", "table.csv", "--workers", "1")

    assert done.code == 5
    assert counted(app, "shout") - before == 1
    assert "go on from there with: spacechain batch --resume outputs/shout/table" in done.err

"""Steps start when they can, and one that fails takes down only what needs it."""

import json

from pipelines.engine.results import Failed, Skipped, Succeeded


def kinds(run):
    """The class of each step's result."""
    return {name: type(step.result) for name, step in run.steps.items()}


def texts(run, name):
    """A text output, or the texts of a list of them."""
    output = run.outputs[name]
    return [one.value for one in output] if isinstance(output, tuple) else output.value


def test_a_failed_step_skips_what_reads_from_it_and_nothing_else(run):
    """A long chain must not lose its healthy branch to one sleeping Space."""
    done = run("""
        steps:
          draw:    {space: "bench", endpoint: /refuse, with: {text: one}}
          upscale: {space: "bench", endpoint: /shout, with: {text: $draw.text}}
          behind:  {space: "bench", endpoint: /shout, with: {text: $upscale.text}}
          speak:   {space: "bench", endpoint: /shout, with: {text: hello}}
        outputs: {said: $speak.text, lost: $behind.text}
    """)

    assert kinds(done) == {"draw": Failed, "upscale": Skipped, "behind": Skipped, "speak": Succeeded}
    assert done.status == "failed"
    assert texts(done, "said") == "HELLO"
    assert "lost" not in done.outputs
    assert "I do not like 'one'" in done.steps["draw"].result.error.said


def test_branches_run_at_the_same_time(run, workbench):
    """Four calls that wait for each other would never end one after the other."""
    done = run("""
        steps:
          start: {space: "bench", endpoint: /shout, with: {text: branches}}
          a: {space: "bench", endpoint: /meet, with: {count: 4, text: "${{ start.text }}a"}}
          b: {space: "bench", endpoint: /meet, with: {count: 4, text: "${{ start.text }}b"}}
          c: {space: "bench", endpoint: /meet, with: {count: 4, text: "${{ start.text }}c"}}
          d: {space: "bench", endpoint: /meet, with: {count: 4, text: "${{ start.text }}d"}}
          end: {space: "bench", endpoint: /shout, with: {text: "${{ a.text + b.text + c.text + d.text }}"}}
        outputs: {all: $end.text}
    """)

    assert texts(done, "all") == "BRANCHESABRANCHESBBRANCHESCBRANCHESD"
    assert workbench.calls("most-meet") == 4


def test_no_place_gets_more_than_four_calls_at_once(run, workbench):
    """A public Space is not to be flooded by one user's list."""
    done = run("""
        steps:
          waits:
            each: [a, b, c, d, e, f, g, h]
            space: "bench"
            endpoint: /meet
            with: {count: 4, text: $item}
        outputs: {all: $waits.text}
    """)

    assert texts(done, "all") == list("abcdefgh")
    assert workbench.calls("most-meet") == 4


def test_a_limit_can_be_raised(run, workbench_of_its_own):
    """Whoever owns the Space knows what it takes."""
    done = run(f"""
        limits: {{"{workbench_of_its_own.url}": {{concurrency: 8}}}}
        steps:
          waits:
            each: [a, b, c, d, e, f, g, h]
            space: {workbench_of_its_own.url}
            endpoint: /meet
            with: {{count: 8, text: $item}}
    """)

    assert done.ok
    assert workbench_of_its_own.calls("most-meet") == 8


def test_items_keep_their_order_whichever_ends_first(run):
    """The third scene of a film is the third, however long it took."""
    done = run("""
        steps:
          waits:
            each: {seconds: [0.3, 0.0, 0.2, 0.1], text: [a, b, c, d]}
            space: "bench"
            endpoint: /wait
            with: {seconds: $item.seconds, text: "${{ item.text }}${{ index }}"}
        outputs: {all: $waits.text}
    """)

    assert texts(done, "all") == ["a0", "b1", "c2", "d3"]


def test_a_matrix_makes_every_combination_in_order(run):
    """The last list turns fastest, as in a table that one reads."""
    done = run("""
        steps:
          all:
            matrix: {a: [x, y], b: [1, 2]}
            space: "bench"
            endpoint: /shout
            with: {text: "${{ item.a }}${{ item.b }}"}
        outputs: {all: $all.text}
    """)

    assert texts(done, "all") == ["X1", "X2", "Y1", "Y2"]


def test_one_failed_item_fails_the_step_as_that_item(run, workbench):
    """The others finish first: their results are kept for the next run."""
    before = workbench.calls("picky")
    done = run("""
        steps:
          all: {each: [p, q, bad, r], space: "bench", endpoint: /picky, with: {text: $item}}
    """)

    result = done.steps["all"].result
    assert isinstance(result, Failed)
    assert "item 3 of 4" in result.error.message
    assert "that one is bad" in result.error.message
    assert [call.failure is None for call in result.calls] == [True, True, False, True]
    assert workbench.calls("picky") == before + 4  # what an app refuses on purpose is not asked for again


def test_keep_going_keeps_the_good_items_and_never_passes_on_the_bad(run):
    """An error must never become data."""
    done = run("""
        steps:
          all:
            each: {in: [s, bad, t], keep_going: true}
            space: "bench"
            endpoint: /picky
            with: {text: $item}
          after: {each: $all.text, space: "bench", endpoint: /shout, with: {text: $item}}
        outputs: {all: $after.text}
    """)

    assert texts(done, "all") == ["S", "T"]
    record = json.loads((done.folder / "run.json").read_text())
    assert record["steps"]["all"]["calls"][1]["error"]["message"].endswith("that one is bad")


def test_an_empty_list_makes_no_call(run):
    """Nothing to do is not an error."""
    done = run(
        """
        inputs: {words: {kind: text, many: true}}
        steps:
          all: {each: $inputs.words, space: "bench", endpoint: /shout, with: {text: $item}}
        outputs: {all: $all.text}
        """,
        {"words": []},
    )

    assert done.ok
    assert texts(done, "all") == []


def test_when_skips_a_step_and_what_needs_its_output(run):
    """A branch that was switched off is no failure."""
    done = run("""
        inputs: {style: plain}
        steps:
          base:   {space: "bench", endpoint: /shout, with: {text: base}}
          fancy:  {when: inputs.style == "fancy", space: "bench", endpoint: /shout, with: {text: fancy}}
          needs:  {space: "bench", endpoint: /shout, with: {text: $fancy.text}}
          either: {space: "bench", endpoint: /shout, with: {text: "${{ fancy.text or base.text }}"}}
        outputs: {all: $either.text}
    """)

    assert done.status == "succeeded"
    assert kinds(done) == {"base": Succeeded, "fancy": Skipped, "needs": Skipped, "either": Succeeded}
    assert texts(done, "all") == "BASE"


def test_needs_waits_for_a_step_that_nothing_reads_from(run):
    """Order without data: the second starts after the first has ended."""
    heard = []
    done = run(
        """
        steps:
          second: {needs: [first], space: "bench", endpoint: /shout, with: {text: second}}
          first:  {space: "bench", endpoint: /wait, with: {seconds: 0.1, text: first}}
        """,
        tell=lambda event: heard.append((type(event).__name__, getattr(event, "step", ""))),
    )

    assert done.ok
    assert heard.index(("StepSettled", "first")) < heard.index(("StepStarted", "second"))


def test_a_file_goes_from_one_step_to_the_next(run):
    """The second app reads the picture that the first one drew, and keeps its own files to itself."""
    done = run("""
        steps:
          pictures: {space: "bench", endpoint: /draw, with: {colour: green, count: 3}}
          widths: {each: $pictures.images, space: "bench", endpoint: /measure, with: {picture: $item}}
          first: {space: "bench", endpoint: /measure, with: {picture: $pictures.image}}
        outputs: {widths: $widths.integer, first: $first.integer, pictures: $pictures.images}
    """)

    assert texts(done, "widths") == [32, 33, 34]
    assert texts(done, "first") == 32
    assert [one.path.name for one in done.outputs["pictures"]] == [
        "pictures-01.png",
        "pictures-02.png",
        "pictures-03.png",
    ]
    assert all(one.path.read_bytes().startswith(b"\x89PNG") for one in done.outputs["pictures"])


def test_equal_files_of_a_list_are_each_named(run):
    """Two scenes that came out the same are two pictures, not the last one twice."""
    done = run("""
        steps:
          pictures:
            {each: [green, red, green], space: "bench", endpoint: /draw, with: {colour: $item, count: 1}}
        outputs: {pictures: $pictures.images}
    """)

    names = [one.path.name for one in done.outputs["pictures"]]
    assert names == ["pictures-01.png", "pictures-02.png", "pictures-03.png"]
    (kept,) = done.steps["pictures"].outputs.values()
    assert [one.path.name for pictures in kept for one in pictures] == names
    assert done.outputs["pictures"][0].sha256 == done.outputs["pictures"][2].sha256


def test_a_text_that_names_a_file_stays_text(run, tmp_path, monkeypatch):
    """A prompt such as `cat` must not send away the file `cat` beside it."""
    (tmp_path / "cat").write_text("private")
    monkeypatch.chdir(tmp_path)
    done = run("""
        steps: {say: {space: "bench", endpoint: /shout, with: {text: cat}}}
        outputs: {said: $say.text}
    """)

    assert texts(done, "said") == "CAT"


def test_parts_of_a_raw_answer_can_be_named(run):
    """What has no good label gets one in the chain."""
    done = run("""
        steps:
          pictures:
            space: "bench"
            endpoint: /draw
            with: {colour: blue, count: 2}
            outputs: {second: "[0][1].image"}
          width: {space: "bench", endpoint: /measure, with: {picture: $pictures.second}}
        outputs: {width: $width.integer}
    """)

    assert texts(done, "width") == 33


def test_an_endpoint_may_be_left_out_where_one_fits(run):
    """The arguments say which one is meant."""
    done = run("""
        steps: {pictures: {space: "bench", with: {colour: red, count: 1}}}
        outputs: {all: $pictures.image}
    """)

    assert done.ok
    assert done.steps["pictures"].to_json()["endpoint"] == "/draw"

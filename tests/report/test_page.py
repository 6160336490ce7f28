"""`report.html`: one page that shows a run, whatever strangers wrote into it."""

import json
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from pipelines.report import report_html

NASTY = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
TAGS_WITHOUT_END = ("meta", "img", "br")


class Page(HTMLParser):
    """What a browser makes of a page, as far as these tests ask."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.attributes, self.words, self.open = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """An element begins."""
        self.tags.append(tag)
        self.attributes += [(tag, *one) for one in attrs]
        self.links += [value for name, value in attrs if name in ("href", "src")]
        if tag not in TAGS_WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """An element ends."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Words between them."""
        self.words.append(" ".join(data.split()))


def read_page(folder):
    """The page of a run, and all words on it."""
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    assert page.open == []
    return page, " ".join(one for one in page.words if one)


@pytest.fixture
def folder(run, chain, tmp_path):
    """The folder of a run that succeeded."""
    assert run("run", chain, "-i", "colour=red", "-i", f"words={NASTY}").code == 0
    return next((tmp_path / "outputs" / "still").iterdir())


def test_every_run_has_a_page_whose_links_are_its_own_files(folder):
    """The folder can be moved, zipped and sent; the page goes with it."""
    page, words = read_page(folder)

    assert "succeeded" in words
    assert "./picture.png" in page.links
    assert all((folder / unquote(urlsplit(one).path)).is_file() for one in page.links)
    assert "spacechain run still.yaml -i colour=red" in words


def test_nothing_on_the_page_is_a_script(folder):
    """What a Space or a chain's author writes is words, never markup."""
    page, words = read_page(folder)

    assert "<script>alert(1)</script>" in words
    assert "script" not in page.tags
    assert not [one for one in page.attributes if one[1].startswith("on")]
    policy = next(value for tag, name, value in page.attributes if tag == "meta" and "default-src" in value)
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_a_failed_run_tells_what_happened_in_the_places_own_words(run, chain, tmp_path):
    """The page is what people send to whoever can help."""
    assert run("run", chain, "-i", "colour=none").code == 1
    page, words = read_page(next((tmp_path / "outputs" / "still").iterdir()))

    assert "failed" in words
    assert "there is no <b>none</b>" in words
    assert "b" not in page.tags
    assert "step 'draw' failed" in words


def document(**outputs):
    """A `run.json` as a foreign hand might have written it."""
    return {
        "run": NASTY,
        "chain": NASTY,
        "status": NASTY,
        "folder": "there",
        "file": NASTY,
        "outputs": outputs,
    }


@pytest.mark.parametrize(
    "path",
    ["javascript:alert(1)", "https://evil.example/x.png", "/etc/passwd", "there/../../x.png", "//evil/x"],
)
def test_only_files_in_the_folder_are_linked(tmp_path, path):
    """A record from a stranger must lead nowhere else."""
    output = {"kind": "image", "mime": "image/png", "path": path, "size_bytes": 3}
    page = Page(report_html(tmp_path, document(x=output)))

    assert page.links == ["./run.json"]


def test_a_drawing_with_scripts_in_it_is_linked_and_never_shown(tmp_path):
    """SVG is a document that can run code."""
    output = {"kind": "image", "mime": "image/svg+xml", "path": "there/x.svg", "size_bytes": 3}
    page = Page(report_html(tmp_path, document(x=output)))

    assert "img" not in page.tags
    assert ("a", "download", None) in page.attributes


def test_a_name_that_is_markup_stays_a_name(tmp_path):
    """Every text of a record is escaped, in attributes too."""
    outputs = {"kind": "image", "mime": "image/png", "path": f"there/{NASTY}.png", "size_bytes": 3}
    told = document(**{NASTY: outputs}, text={"kind": "text", "value": NASTY})
    attempt = {"via": NASTY, "class": NASTY, "said": NASTY, "seconds": 1, "then": NASTY}
    told["steps"] = {
        NASTY: {"status": NASTY, "via": NASTY, "error": {"message": NASTY, "attempts": [attempt]}}
    }
    told["inputs"] = {NASTY: NASTY}
    page = Page(report_html(tmp_path, told))

    assert "script" not in page.tags
    assert page.tags.count("img") == 1
    assert not [one for one in page.attributes if one[1].startswith("on")]


def test_places_that_shared_a_steps_items_are_all_named(tmp_path, run):
    """One of them in the name of all would hide who did the work."""
    calls = [{"via": via, "status": "succeeded"} for via in ("a/b", "c/d", "a/b")]
    told = document()
    told["steps"] = {"draw": {"status": "succeeded", "via": "a/b", "endpoint": "/go", "calls": calls}}
    words = " ".join(Page(report_html(tmp_path, told)).words)
    (tmp_path / "run.json").write_text(json.dumps(told))

    assert "a/b (2 items), c/d (1 item)" in words
    assert "a/b (2), c/d (1)" in run("show", tmp_path).out


def test_retries_and_fallbacks_are_told_as_a_story(tmp_path):
    """Whoever waited for it wants to know why it took so long."""
    attempts = [
        {
            "via": "a/b",
            "class": "busy",
            "said": "Queue is full",
            "seconds": 1.0,
            "then": "retry",
            "wait_s": 2.5,
        },
        {"via": "a/b", "class": "crashed", "said": None, "seconds": 31.0, "then": "fall-back"},
    ]
    told = document()
    step = {
        "status": "succeeded",
        "via": "c/d",
        "attempts": 3,
        "seconds": 4,
        "story": attempts,
        "error": None,
    }
    told["steps"] = {"draw": step}
    words = " ".join(Page(report_html(tmp_path, told)).words)

    assert "a/b: busy after 1.0 s : Queue is full ; tried again after 2.5 s" in " ".join(words.split())
    assert "a/b: crashed after 31 s ; went on to the next place" in " ".join(words.split())


def test_the_page_of_an_old_run_is_written_anew(run, folder):
    """A page that was removed, or written by an older spacechain."""
    (folder / "report.html").unlink()

    done = run("report", "last")

    assert done.code == 0
    assert Path(done.out.strip()) == folder / "report.html"
    assert "succeeded" in read_page(folder)[1]
    assert json.loads((folder / "run.json").read_text())["status"] == "succeeded"


def test_run_it_again_repeats_the_options_of_the_run(run, chain, tmp_path):
    """The same command on the real Spaces instead of the user's own would cost money."""
    use = "me/app=http://127.0.0.1:7860"
    run("run", chain, "-i", "colour=red", "--use", use, "--only", "draw", "--local")
    folder = next((tmp_path / "outputs" / "still").iterdir())
    page = (folder / "report.html").read_text(encoding="utf-8")

    assert f"spacechain run still.yaml --local --use {use} --only draw -i colour=red" in page


def test_the_end_of_a_run_names_its_report(run, chain, tmp_path):
    """A page that nobody knows of is not looked at."""
    done = run("run", chain, "-i", "colour=red")
    folder = next((tmp_path / "outputs" / "still").iterdir())

    assert f"report: {folder.relative_to(tmp_path)}/report.html\n" in done.err
    assert "report.html" not in done.out

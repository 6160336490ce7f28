"""Who asks the doctor was helped by nothing else: it must see what is wrong, and give nothing away."""

import shutil
import sys
from pathlib import Path

import pytest
from hub_standin import TOKEN, Holder, hub_standin
from web import page, say

from pipelines.artifacts import Store
from pipelines.household.home import find_home
from pipelines.journal import open_journal
from spaces_registry.signature import File, Kind

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def doctor(spacechain):
    """Ask the doctor; findings by name, and how the command ended."""

    def ask(*words: str, **environ: str):
        done = spacechain("doctor", "--json", *words, **environ)
        return {one["name"]: one for one in done.json["findings"]}, done

    return ask


@pytest.fixture
def at_hub(doctor):
    """Ask the doctor of a user whose Hub is the stand-in."""

    def ask(holder: Holder | None = None, token: str = TOKEN):
        with hub_standin({}, holder=holder) as hub:
            return doctor(HF_ENDPOINT=hub.url, HF_TOKEN=token)

    return ask


@pytest.fixture
def made(home):
    """A home folder in which something was made."""
    with open_journal(find_home().journal):
        pass
    store, path = Store(find_home().store), home.parent / "words.txt"
    path.write_text("made once")
    return store.keep(File(path, path.name), Kind.FILE).path


def test_a_good_token_is_told_with_what_it_may(at_hub):
    """People have several tokens: which one is used here, and what it may, is the first question."""
    found, done = at_hub(Holder("fineGrained", ("inference.serverless.write", "repo.content.read")))

    assert done.code == 0
    assert found["token"]["told"] == "ada: the token 'standin' from HF_TOKEN, role fineGrained"
    assert found["permissions"]["told"] == (
        "inference.serverless.write (user ada), repo.content.read (user ada)"
    )
    assert {found[one]["state"] for one in ("hub", "token", "models", "ZeroGPU")} == {"ok"}
    assert found["ZeroGPU"]["facts"] == {
        "base_s": 300.0,
        "left_s": 210.0,
        "resets_at": "2026-11-22T09:12:03.000Z",
    }


def test_a_token_that_may_not_call_models_leads_to_one_that_may(at_hub):
    """The Hub's own refusal names no permission; the page where it is granted is hard to find."""
    found, done = at_hub(Holder("fineGrained", ("repo.content.read",)))

    assert found["models"]["state"] == "warn"
    assert "ownUserPermissions=inference.serverless.write&tokenType=fineGrained" in found["models"]["hint"]
    assert done.code == 0


def test_a_token_that_was_revoked_is_a_matter_of_permission(at_hub):
    """Scripts tell `not allowed` from `not well` by the exit code."""
    found, done = at_hub(token="hf_revoked")  # noqa: S106 - the one that is no good

    assert (found["token"]["state"], done.code) == ("fail", 4)
    assert "HF_TOKEN" in found["token"]["told"]
    assert "hf_revoked" not in done.out + done.err


@pytest.mark.parametrize("refusal", [say({"error": "slow down"}, 429, Retry_After="3000"), page("Sign in")])
def test_a_hub_that_does_not_say_whose_token_it_is_is_no_verdict(at_hub, refusal):
    """A strict rate limit, or a proxy's page, says nothing about the token."""
    found, done = at_hub(Holder(refusal=refusal))

    assert (found["token"]["state"], done.code) == ("warn", 0)


@pytest.mark.parametrize(("quota", "told"), [((300, 30), "30 of 300 s left"), (None, "may not tell")])
def test_little_quota_and_an_unknown_one_are_worth_a_warning(at_hub, quota, told):
    """A run that stops in its middle for want of GPU time could have waited for tomorrow."""
    found, _ = at_hub(Holder(quota=quota))

    assert found["ZeroGPU"]["state"] == "warn"
    assert told in found["ZeroGPU"]["told"]


def test_the_hub_is_asked_once_in_some_minutes(doctor):
    """The Hub counts who asks for whoami strictly, and people call the doctor again and again."""
    with hub_standin({}) as hub:
        doctor(HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN)
        doctor()

    assert [one.path for one in hub.asked].count("/api/whoami-v2") == 1


def test_without_a_network_the_rest_is_still_looked_at(doctor):
    """`There is no network` is an answer, and not the only one."""
    found, done = doctor(HF_ENDPOINT=NOWHERE, HF_TOKEN="hf_x")  # noqa: S106 - nobody's

    assert (found["hub"]["state"], found["token"]["state"], done.code) == ("fail", "warn", 2)
    assert NOWHERE in found["hub"]["told"]
    assert "replicate" in found


def test_offline_asks_nobody(doctor):
    """On a train the doctor must not wait for what cannot come."""
    with hub_standin({}) as hub:
        found, done = doctor("--offline", HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN)

    assert (hub.asked, done.code) == ([], 0)
    assert "not checked" in found["token"]["told"]


def test_keys_are_named_and_never_shown(spacechain, here):
    """Output of a doctor is what people paste into public issues."""
    (here / ".env").write_text("FAL_KEY=fal-0123456789\n")
    environ = {
        "REPLICATE_API_TOKEN": "r8_0123456789",
        "STABILITY_API_KEY": "sk-01234\n56789",
        "FAL_KEY": "fal-0123456789",
    }
    said = spacechain("doctor", "--offline", HF_TOKEN="hf_0123456789", **environ)  # noqa: S106 - nobody's
    document = spacechain("doctor", "--offline", "--json")

    every = said.out + said.err + document.out + document.err
    assert "0123" not in every
    assert "REPLICATE_API_TOKEN is set" in said.out
    assert f"{here / '.env'} has FAL_KEY" in " ".join(said.out.split())
    assert "STABILITY_API_KEY is set to has characters that no key has" in " ".join(said.out.split())


@pytest.mark.usefixtures("made")
def test_a_page_of_the_journal_that_is_damaged_is_found_and_its_repair_named(doctor):
    """Such a journal opens, and fails a run at its first step."""
    with open_journal(find_home().journal) as journal:
        journal.turn(["somewhere"], (), 1.0)
    file = find_home().journal
    content = bytearray(file.read_bytes())
    content[8192:12288] = b"\x41" * 4096
    file.write_bytes(content)
    found, _ = doctor("--offline")

    assert found["journal"]["state"] == "fail"
    assert "doctor --repair" in found["journal"]["hint"]
    assert "\n" not in found["journal"]["told"]


@pytest.mark.usefixtures("made")
def test_a_damaged_journal_is_found(doctor):
    """SQLite reads on until it meets the damage, and that may be months later."""
    journal = find_home().journal
    journal.write_bytes(journal.read_bytes()[:4096] + b"\xff" * 8192)
    found, done = doctor("--offline")

    assert (found["journal"]["state"], done.code) == ("fail", 2)
    assert "doctor --repair" in found["journal"]["hint"]


def test_a_file_that_changed_in_the_store_is_found(doctor, made):
    """Disks lose bits, and a kept result is handed out for ever."""
    assert doctor("--offline")[0]["store"]["told"] == "sound; 1 files looked at"
    made.chmod(0o600)
    made.write_text("made otherwise")
    found, done = doctor("--offline")

    assert (found["store"]["state"], done.code) == ("fail", 2)
    assert str(made) in found["store"]["hint"]


def test_a_home_that_is_no_folder_is_found(doctor, tmp_path):
    """A typo in SPACECHAIN_HOME."""
    (tmp_path / "file").write_text("")
    found, done = doctor("--offline", SPACECHAIN_HOME=str(tmp_path / "file" / "home"))

    assert (found["home"]["state"], done.code) == ("fail", 2)
    assert "SPACECHAIN_HOME" in found["home"]["hint"]


@pytest.mark.usefixtures("made")
def test_an_open_home_folder_is_told(doctor):
    """Prompts and pictures are private; on a shared machine the folder's mode is all that keeps them so."""
    assert doctor("--offline")[0]["home"]["state"] == "ok"
    find_home().folder.chmod(0o755)

    assert "chmod 700" in doctor("--offline")[0]["home"]["hint"]


def test_a_bad_env_file_is_told_with_its_line(doctor, here):
    """The doctor is what people ask when every other command stops at this file."""
    (here / ".env").write_text("FAL_KEY=x\noops\n")
    found, done = doctor("--offline")

    assert (found[".env"]["state"], done.code) == ("fail", 2)
    assert ".env:2:" in found[".env"]["told"]


def test_an_ffmpeg_that_is_none_is_found(doctor, tmp_path):
    """A film fails at its last step, after every GPU second was spent."""
    program = tmp_path / "ffmpeg"
    shutil.copy(Path(sys.executable).resolve(), program)
    found, done = doctor("--offline", SPACECHAIN_FFMPEG=str(program))
    gone, _ = doctor("--offline", SPACECHAIN_FFMPEG=str(tmp_path / "none"))

    assert (found["ffmpeg"]["state"], gone["ffmpeg"]["state"], done.code) == ("fail", "fail", 2)


def test_a_service_file_of_the_user_s_that_is_broken_is_found(doctor):
    """It would be told at the first run that names it, in the middle of something else."""
    folder = find_home().folder / "services"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "mine.yaml").write_text("name: mine\nurl: [")
    found, done = doctor("--offline")

    assert (found["mine"]["state"], done.code) == ("fail", 2)


def test_lines_are_as_wide_as_a_terminal(spacechain):
    """What wraps by itself cannot be read as a table."""
    done = spacechain("doctor", "--offline")

    assert done.out.startswith("ok    python")
    assert all(len(line) <= 80 for line in done.out.splitlines() if "/" not in line)

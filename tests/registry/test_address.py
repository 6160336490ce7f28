import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_registry import BadAddress, HubAddress, UrlAddress, address_of, aliases


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("acme/My.Space_1", HubAddress("acme/My.Space_1")),
        (" acme/app ", HubAddress("acme/app")),
        ("flux-schnell", HubAddress("black-forest-labs/FLUX.1-schnell")),
        ("FLUX", HubAddress("black-forest-labs/FLUX.1-dev")),
        ("http://127.0.0.1:7860/", UrlAddress("http://127.0.0.1:7860")),
        ("127.0.0.1:7860", UrlAddress("http://127.0.0.1:7860")),
        ("localhost:7860/app/", UrlAddress("http://localhost:7860/app")),
        ("[::1]:7860", UrlAddress("http://[::1]:7860")),
        ("studio.lan:80", UrlAddress("http://studio.lan:80")),
        ("0a1b2c.gradio.live", UrlAddress("https://0a1b2c.gradio.live")),
        ("acme-app.hf.space/", UrlAddress("https://acme-app.hf.space")),
        ("https://media.example/apps/draw/?x=1#top", UrlAddress("https://media.example/apps/draw")),
        ("https://huggingface.co/spaces/acme/app", HubAddress("acme/app")),
        ("https://huggingface.co/spaces/acme/app/tree/main", HubAddress("acme/app")),
    ],
)
def test_an_address_is_an_id_a_url_or_an_alias(text: str, means: HubAddress | UrlAddress) -> None:
    """People paste what they have; the same Space must come out."""
    assert address_of(text) == means


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("fluxx", "did you mean 'flux'?"),
        ("", "available:"),
        ("./app.py", "owner/name"),
        ("a/b/c", "owner/name"),
        ("acme/bad id!", "owner/name"),
        ("acme/" + "x" * 100, "owner/name"),
        ("ftp://host/x", None),
        ("https://", None),
        ("http://host:port/", None),
        ("https://user:s3cret@host/", "`login`"),
    ],
)
def test_anything_else_is_refused_with_the_way_out(text: str, hint: str | None) -> None:
    """A typo must not become a request, and a password in a URL must not be printed."""
    with pytest.raises(BadAddress) as failed:
        address_of(text)

    assert hint is None or hint in (failed.value.hint or "")
    assert "s3cret" not in f"{failed.value} {failed.value.text}"


@given(st.text())
def test_no_text_makes_an_address_crash(text: str) -> None:
    """Addresses come from files of strangers."""
    try:
        address_of(text)
    except BadAddress:
        return


def test_every_alias_is_written_as_people_type_it_and_leads_to_a_space() -> None:
    """An alias with a capital could never be found."""
    for alias, repo in aliases().items():
        assert alias == alias.lower()
        assert address_of(alias) == HubAddress(repo) == address_of(repo)

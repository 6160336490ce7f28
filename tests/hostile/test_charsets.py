"""An answer's header may name any codec of Python's; those that are none of texts end nothing."""

import pytest
from unfair import origin_at
from web import Answer, web

from spaces_registry import Clocks, open_registry
from spaces_registry.apps.app import describe
from spaces_registry.errors import CallFailed, Unreachable
from spaces_registry.network.charsets import is_of_texts, readable_type

pytestmark = pytest.mark.anyio
NO_TEXTS = ("idna", "zlib", "bz2", "undefined", "hex", "rot13", "punycode", "unicode_escape", "x" * 5000)
WORDS = "out of order"


def refusal(charset: str, more: bytes = b"\x80") -> Answer:
    """A plain refusal in an encoding that may be none, with a byte that is no UTF-8."""
    return Answer(WORDS.encode() + more, 400, f"text/plain; charset={charset}")


@pytest.mark.parametrize("charset", NO_TEXTS)
async def test_a_space_whose_header_names_no_encoding_is_read(client, bounds, charset):
    """Its words are what a user needs; a fault of ours also keeps the fallback from being tried."""
    with web(lambda _: refusal(charset)) as served, pytest.raises(CallFailed) as caught:
        await describe(origin_at(served.url, client, bounds()), clocks=Clocks(connect_s=2, quiet_s=5))
    assert WORDS in caught.value.said


@pytest.mark.parametrize("charset", NO_TEXTS)
async def test_a_hub_whose_header_names_no_encoding_is_read(charset):
    """The Hub's answers come through its own library, on connections of its own."""
    with web(lambda _: refusal(charset, b"")) as served:
        async with open_registry(token="", hub=served.url, cache=None) as registry:
            with pytest.raises(Unreachable, match="400"):
                await registry.connect("acme/app")


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "latin-1", "windows-1251", "Shift_JIS", "gb18030"])
def test_encodings_of_texts_are_kept(charset):
    """Most pages in them would else be unreadable."""
    assert is_of_texts(charset)
    assert readable_type(f'text/html; boundary=x; charset="{charset}"') == f"text/html; charset={charset}"

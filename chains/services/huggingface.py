"""A Hugging Face token goes to Hugging Face's own hosts alone, whatever a service file says."""

import re
from typing import Final
from urllib.parse import urlsplit

_VARIABLES: Final = re.compile(r"(?:HF|HUGGING_?FACE)(?:_?HUB)?_(?:.*_)?(?:TOKEN|KEY)", re.IGNORECASE)
_HOSTS: Final = ("huggingface.co", "huggingface.cloud", "hf.co")


def names_hf_token(variable: str) -> bool:
    """Whether a variable of this name holds a Hugging Face token."""
    return _VARIABLES.fullmatch(variable) is not None


def is_hf_token(key: str) -> bool:
    """Whether a key is a Hugging Face token, by the way it begins."""
    return key.startswith("hf_")


def may_have_hf_token(url: str) -> bool:
    """Whether a URL is one of Hugging Face's own."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" and any(host == one or host.endswith(f".{one}") for one in _HOSTS)

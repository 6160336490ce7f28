"""A Hub for tests: a real HTTP server that answers for Spaces as the Hub does, with its own error codes.

To a visitor without a token, a private Space and one that does not exist look alike (401); with a token, one
that does not exist is 404.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from web import Answer, Asked, Web, say, web

TOKEN = "hf_standin_token"  # noqa: S105 - the stand-in's own


@dataclass(slots=True)
class ListedSpace:
    """A Space as the stand-in lists it. Tests may change it while the stand-in runs.

    Attributes:
        host: root URL of the app.
        stages: the stages it goes through, one a request; the last one stays.
        revision: the commit that runs.
        is_private: whether it is shown only to the right token.
        complaint: the Hub's `errorMessage`.
        refusal: answered in place of everything else.
    """

    host: str
    stages: list[str] = field(default_factory=lambda: ["RUNNING"])
    revision: str = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"
    sdk: str = "gradio"
    hardware: str = "cpu-basic"
    is_private: bool = False
    complaint: str | None = None
    refusal: Answer | None = None

    def runtime(self) -> dict[str, Any]:
        """The Hub's record of how it runs; moves on to the next stage."""
        stage = self.stages.pop(0) if len(self.stages) > 1 else self.stages[0]
        record = {
            "stage": stage,
            "hardware": {"current": self.hardware, "requested": self.hardware},
            "gcTimeout": 172800,
            "storage": None,
            "replicas": {"current": 1, "requested": 1},
            "devMode": False,
            "domains": [{"domain": self.host.split("://")[-1], "stage": "READY"}],
            "sha": self.revision,
        }
        return record if self.complaint is None else {**record, "errorMessage": self.complaint}


@contextmanager
def hub_standin(spaces: Mapping[str, ListedSpace], *, token: str = TOKEN) -> Iterator[Web]:
    """Serve these Spaces, by id; its `url` is what `HF_ENDPOINT` is to be."""

    def answer(asked: Asked) -> Answer:
        sent = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if sent and sent != token:
            return say({"error": "Invalid user token."}, 401)
        repo, what = asked.path.removeprefix("/api/spaces/"), "info"
        if repo.count("/") > 1:
            repo, _, what = repo.rpartition("/")
        space = spaces.get(repo)
        if not asked.path.startswith("/api/spaces/") or space is None or (space.is_private and not sent):
            status = 404 if sent else 401
            message = "Repository not found" if sent else "Invalid username or password."
            return say({"error": message}, status, X_Error_Code="RepoNotFound", X_Error_Message=message)
        if space.refusal is not None:
            return space.refusal
        return say(space.runtime() if what == "runtime" else _info(repo, space))

    with web(answer) as served:
        yield served


def _info(repo: str, space: ListedSpace) -> dict[str, Any]:
    owner, _, name = repo.partition("/")
    return {
        "_id": "0123456789abcdef01234567",
        "id": repo,
        "author": owner,
        "sha": space.revision,
        "lastModified": "2026-08-22T02:55:22.000Z",
        "createdAt": "2025-08-22T02:55:22.000Z",
        "private": space.is_private,
        "gated": False,
        "disabled": False,
        "host": space.host,
        "subdomain": f"{owner}-{name}".lower().replace(".", "-").replace("_", "-"),
        "likes": 1,
        "sdk": space.sdk,
        "tags": [space.sdk],
        "cardData": {"sdk": space.sdk, "title": name},
        "siblings": [{"rfilename": "app.py"}],
        "runtime": space.runtime(),
    }

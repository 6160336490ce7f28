"""Writes `pipelines/studio/described.json` anew: what the studio's apps say of themselves when they run.

Run it after a change of `pipelines/studio/apps.py`: `.venv/bin/python tests/studio/record.py`.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import anyio

from pipelines.studio import SPACES, open_studio
from pipelines.studio.described import kept_facts
from spaces_registry.registry import open_registry

FILE = Path(__file__).parents[2] / "pipelines" / "studio" / "described.json"


async def facts_of(urls: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """By Space, what its running app says of itself, as far as it is kept."""
    async with open_registry(token="") as registry:
        return {space: kept_facts(await registry.look_up(url)) for space, url in urls.items()}


async def _record() -> None:
    async with open_studio(SPACES) as urls:
        facts = await facts_of(urls)
    FILE.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    anyio.run(_record)

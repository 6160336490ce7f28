"""Asks, once and on a terminal alone, whether a chain may do what needs the user's trust."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chains.model import Chain


def ask_for_trust(chain: "Chain") -> None:
    """Ask for what a chain is not trusted with yet; elsewhere than on a terminal its run refuses by itself.

    Raises:
        NotTrusted: the user said no.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    from pipelines.cli.show import safe, say  # noqa: PLC0415
    from pipelines.household.home import find_home  # noqa: PLC0415
    from pipelines.household.trusting import Refused, allow, missing, wishes  # noqa: PLC0415
    from spaces_registry.errors import ToolkitError  # noqa: PLC0415

    home = find_home()
    try:
        wanted = missing(wishes(chain, home), home)
    except ToolkitError:
        return  # a file is missing or wrong, and the run says so better
    if not wanted:
        return
    say(f"{safe(chain.source.file)} has not been trusted as it stands:")
    for one in wanted:
        say(f"  {safe(one.told)}")
        if one.read:
            say(f"    read it first: {safe(one.read)}")
    sys.stderr.write("trust this, until it changes? [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline().strip().lower()
    if answer not in ("y", "yes"):
        raise Refused(chain.source.file)
    for one in wanted:
        allow(one, home)

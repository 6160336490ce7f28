"""The size of a picture that is made of a picture: the same, unless the step says otherwise."""

from collections.abc import Mapping

import anyio.to_thread

from chains.services.model import ServiceEndpoint, Size
from pipelines.artifacts.probe import measure_image
from spaces_registry.signature import File


async def sized(endpoint: ServiceEndpoint, given: Mapping[str, object]) -> dict[str, object]:
    """The arguments with the width and height filled in that the endpoint takes from a picture.

    One that is given stays, and the other follows it, so that nothing is stretched. Both are rounded to the
    step that the service wants, and scaled into its limits.

    Raises:
        Unmeasurable: the picture cannot be read.
        MediaNotInstalled: reading it needs the extra `media`.
    """
    size, given = endpoint.size, dict(given)
    if size is None or not isinstance(picture := given.get(size.of), File):
        return given
    if size.width in given and size.height in given:
        return given
    measures = await anyio.to_thread.run_sync(measure_image, picture.path)
    width, height = float(measures.width or 1), float(measures.height or 1)
    if isinstance(told := given.get(size.width), int | float):
        width, height = float(told), height * told / width
    elif isinstance(told := given.get(size.height), int | float):
        width, height = width * told / height, float(told)
    else:
        width, height = _scaled(endpoint, size, width, height)
    for name, value in ((size.width, width), (size.height, height)):
        given.setdefault(name, _rounded(endpoint, size, name, value))
    return given


def _scaled(endpoint: ServiceEndpoint, size: Size, width: float, height: float) -> tuple[float, float]:
    """A size that fits into the limits of both sides, of the same shape if there is one."""
    sides = ((width, _limits(endpoint, size.width)), (height, _limits(endpoint, size.height)))
    larger = max(1.0, *(low / side for side, (low, _) in sides))
    factor = min(larger, *(high / side for side, (_, high) in sides))
    return width * factor, height * factor


def _rounded(endpoint: ServiceEndpoint, size: Size, name: str, value: float) -> int:
    low, high = _limits(endpoint, name)
    least = -(-low // size.step) * size.step
    most = high // size.step * size.step
    return int(min(max(round(value / size.step) * size.step, least, size.step), most))


def _limits(endpoint: ServiceEndpoint, name: str) -> tuple[float, float]:
    parameter = next(one for one in endpoint.takes if one.name == name)
    low = 1.0 if parameter.minimum is None else parameter.minimum
    return low, float(10**6) if parameter.maximum is None else parameter.maximum

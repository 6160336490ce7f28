"""The folder of one run: its outputs under names that a person can read, `run.json` and `report.html`."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.artifacts import Artifact, StorageFailed, artifacts_in, publish, tops
from pipelines.artifacts.disk import PART
from pipelines.engine.outputs import EachOutputs
from pipelines.engine.results import Succeeded
from pipelines.running.long_values import write_value
from pipelines.running.record import Output, as_output, as_outputs, write_json

FEWEST_DIGITS = 2  # of the numbers of several files: most lists have fewer than a hundred
_HALF_WRITTEN = (".run.json.*", ".report.html.*", f".*{PART}", f"steps/.*{PART}")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Publishes what a run makes.

    Attributes:
        path: the run's own folder.
        hidden: secrets that no file in it may hold.
    """

    path: Path
    hidden: Mapping[str, str] = field(default_factory=dict, repr=False)

    def prepare(self) -> None:
        """Make the folder, and learn now rather than after the work whether it can be written.

        What an earlier process of the run left half-written is removed.

        Raises:
            StorageFailed: it cannot.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
            for left in (one for pattern in _HALF_WRITTEN for one in self.path.glob(pattern)):
                left.unlink(missing_ok=True)
        except OSError as cause:
            raise StorageFailed(self.path, cause) from cause

    def publish_step(self, result: Succeeded) -> dict[str, Output]:
        """Put a step's files under `steps/`, named for it, and give its outputs by their returns' names."""
        named = result.outputs.by_name()
        several = sum(bool(artifacts_in(value)) for value in named.values()) > 1
        outputs: dict[str, Output] = {}
        for name, value in named.items():
            stem = f"{result.step}-{name}" if several else result.step
            is_of_each = isinstance(result.outputs, EachOutputs)
            outputs[name] = self._publish(value, self.path / "steps", stem, is_of_each=is_of_each)
        return outputs

    def publish_output(self, name: str, value: object) -> Output:
        """Put the files of one of the chain's outputs at the top of the folder, named for the output."""
        return self._publish(value, self.path, name)

    def write(self, document: Mapping[str, object], *, lasting: bool = True) -> None:
        """Write `run.json` and, when it is to last, the page that shows it."""
        write_json(self.path / "run.json", document, lasting=lasting)
        if lasting:
            from pipelines.report import write_report  # noqa: PLC0415 - a run's beginning needs no templates

            write_report(self.path, document)

    def _publish(self, value: object, folder: Path, stem: str, *, is_of_each: bool = False) -> Output:
        paths: dict[str, list[Path]] = {}
        for name, artifact in _named(value, stem):
            paths.setdefault(artifact.sha256, []).append(publish(artifact, folder, name))
        published = {sha256: iter(places) for sha256, places in paths.items()}
        outputs = as_outputs if is_of_each else as_output
        return outputs(value, published, lambda one: write_value(one, folder, stem, self.hidden))


def _named(value: object, stem: str) -> Iterator[tuple[str, Artifact]]:
    """Every file of a value with what to call it: numbered from 01, so that they sort as counted.

    What came beside a file is called after it and its own name: `parts-annotations-01`.
    """
    files = tops(value)
    digits = max(FEWEST_DIGITS, len(str(len(files))))
    for number, artifact in enumerate(files, start=1):
        name = stem if len(files) == 1 else f"{stem}-{number:0{digits}}"
        yield name, artifact
        for part, one in artifact.extra.items():
            if not (isinstance(one, Artifact) and one.sha256 == artifact.sha256):
                yield from _named(one, f"{name}-{part}")

"""Files that calls make: what their bytes are, where they are kept, and how they are shown to their user."""

from pipelines.artifacts.disk import StorageFailed
from pipelines.artifacts.store import Artifact, FileChanged, Store, WrongKind, artifacts_in, publish, tops

__all__ = [
    "Artifact",
    "FileChanged",
    "StorageFailed",
    "Store",
    "WrongKind",
    "artifacts_in",
    "publish",
    "tops",
]

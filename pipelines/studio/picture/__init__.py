"""Procedural pictures: landscapes under light, painted for a prompt and a seed."""

from pipelines.studio.picture.painting import paint

__all__ = ["paint"]

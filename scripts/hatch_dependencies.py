"""Tells the build backend the run-time dependencies, read from `requirements.in`, so that they stand in one place.

Owns the reading of that file's requirement lines. It must not resolve, pin or fetch anything: the locks do that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


def requirement_lines(text: str) -> list[str]:
    """The requirements in a requirements file's text, in order; comments, blank lines and options are left out."""
    lines = (line.split(" #", 1)[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith(("#", "-"))]


class RequirementsHook(MetadataHookInterface):
    """Hatchling's custom metadata hook: fills in the dynamic field `dependencies`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `metadata["dependencies"]`; a missing requirements.in raises FileNotFoundError and stops the build."""
        metadata["dependencies"] = requirement_lines(Path(self.root, "requirements.in").read_text("utf-8"))

"""Signed anchors of the log as files, one a line, outside the database. Must not decide what an anchor proves."""

import os
from datetime import datetime
from pathlib import Path
from uuid import UUID

from adapters.signatures import AnchorSigner
from domain.log import Anchor
from kit.time import iso_utc


class FileAnchors:
    """Anchors of each tenant in `<folder>/<tenant>.jws`, appended and flushed to disk; implements AnchorStore."""

    def __init__(self, folder: Path, signer: AnchorSigner) -> None:
        self._folder = folder
        self._signer = signer

    def keep(self, anchor: Anchor) -> None:
        """Sign and append an anchor; on disk when this returns."""
        text = self._signer.sign(
            {
                "tenant_id": str(anchor.tenant_id),
                "seq": anchor.sequence,
                "hash": anchor.hash,
                "at": iso_utc(anchor.at_utc),
            }
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._path(anchor.tenant_id).open("a", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())

    def anchors(self, tenant_id: UUID) -> list[Anchor]:
        """A tenant's anchors, oldest first. Raises domain.errors.InvalidInput where a signature is not good."""
        path = self._path(tenant_id)
        if not path.exists():
            return []
        statements = [self._signer.verify(line) for line in path.read_text(encoding="ascii").splitlines() if line]
        return [
            Anchor(
                UUID(str(each["tenant_id"])),
                int(str(each["seq"])),
                str(each["hash"]),
                datetime.fromisoformat(str(each["at"])),
            )
            for each in statements
            if str(each["tenant_id"]) == str(tenant_id)
        ]

    def _path(self, tenant_id: UUID) -> Path:
        return self._folder / f"{tenant_id}.jws"

"""Use-cases on the log itself: anchor its heads, verify its chains."""

from collections.abc import Callable
from uuid import UUID

from domain.log import Anchor, ChainCheck, Fault
from models import across_tenants, log
from services.ports import Ports

PAGE = 2_000


async def anchor_heads(ports: Ports) -> int:
    """Keep a signed anchor of every tenant whose log grew since its last one. Returns how many were kept."""
    kept = 0
    for tenant_id in await across_tenants.tenant_ids(ports.database.system()):
        sequence, hash_ = await log.head(ports.database.read(tenant_id))
        known = ports.anchors.anchors(tenant_id)
        if sequence and (not known or known[-1].sequence < sequence):
            ports.anchors.keep(Anchor(tenant_id, sequence, hash_, ports.clock.now_utc()))
            kept += 1
    return kept


async def verify(ports: Ports, tenant_id: UUID, progress: Callable[[int], None] | None = None) -> list[Fault]:
    """Walk one tenant's chain from the first row to the head; returns everything that is wrong with it.

    Args:
        ports: database, log key and anchors.
        tenant_id: whose log.
        progress: called with the number of rows checked so far.
    """
    # Anchors first, then the head: an anchor kept, or a row appended, while we walk is beyond what we promise.
    scope = ports.database.read(tenant_id)
    check = ChainCheck(ports.log_key, ports.anchors.anchors(tenant_id))
    head_sequence, head_hash = await log.head(scope)
    checked = 0
    while True:
        rows = await log.rows_with_payloads(scope, checked, PAGE)
        rows = [row for row in rows if row[0].sequence <= head_sequence]
        check.feed(rows)
        if rows:
            checked = rows[-1][0].sequence
        if progress is not None:
            progress(checked)
        if len(rows) < PAGE:
            return check.finish(head_sequence, head_hash)


async def verify_all(ports: Ports, progress: Callable[[int], None] | None = None) -> dict[UUID, list[Fault]]:
    """Every tenant's faults; an empty list is a sound chain."""
    tenants = await across_tenants.tenant_ids(ports.database.system())
    return {tenant_id: await verify(ports, tenant_id, progress) for tenant_id in tenants}

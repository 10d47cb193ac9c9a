"""A process that writes one tenant's log as fast as it can: `python writer.py URL TENANT WORKSPACE COUNT`."""

import asyncio
import sys
from types import SimpleNamespace
from typing import cast
from uuid import UUID

from domain.log import Actor, ActorKind
from domain.workspaces import Workspace
from kit.time import SystemClock
from models import tenants
from models.scope import Database
from services.ports import Ports
from services.unit_of_work import begin


class Silent:
    def publish(self, tenant_id: UUID, sequence: int) -> None:
        pass


async def main(url: str, tenant_id: UUID, workspace_id: UUID, count: int) -> None:
    database = Database(url)
    await database.open()
    # A unit of work asks for these four only.
    ports = cast("Ports", SimpleNamespace(database=database, clock=SystemClock(), hints=Silent(), log_key=b"k" * 32))
    try:
        for _ in range(count):
            async with begin(ports, tenant_id, Actor(ActorKind.SYSTEM, "writer")) as work:
                # Read, then write: on SQLite the order that fails in a deferred transaction.
                found: Workspace = await tenants.workspace(work.scope, workspace_id)
                work.record("workspace.touched", "workspace", None, found)
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], UUID(sys.argv[2]), UUID(sys.argv[3]), int(sys.argv[4])))

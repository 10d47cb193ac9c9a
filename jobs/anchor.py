"""The job that keeps signed heads of the logs outside the database."""

from services import logs
from services.ports import Ports


async def anchor_all(ports: Ports) -> int:
    """Anchor every log that grew. Returns how many."""
    return await logs.anchor_heads(ports)

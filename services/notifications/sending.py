"""Sends what is due: claims deliveries, puts them together, hands them to a channel, notes how it went.

No transaction is open while a provider is asked. Whether a message was taken is not always known: an e-mail is then
sent again under the same Message-ID, so that nobody misses an alert and mailboxes can tell the copies; an SMS or a chat
message is not, since nobody could.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.errors import DeliveryError
from domain.notifications.deliveries import (
    LEASE,
    SPACING,
    Delivery,
    DeliveryStatus,
    batches,
    next_attempt,
)
from domain.notifications.messages import Message, Place, compose
from domain.notifications.notices import Notice, Recipient
from domain.notifications.preferences import DIGESTS, Channel, Preferences
from kit.ids import new_id
from models import across_tenants, notifications, tenants
from models.scope import WriteScope
from services.notifications.wishes import new_unsubscribe_url
from services.ports import Ports

_LIMIT: Final = 1_000


async def due(ports: Ports) -> list[UUID]:
    """Tenants who have something to send now."""
    return await across_tenants.with_due_deliveries(ports.database.system(), ports.clock.now_utc())


async def deliver_due(ports: Ports, tenant_id: UUID, jitter: random.Random) -> int:
    """Send a tenant's due notices, together where they gathered. Returns how many messages were taken.

    Args:
        ports: database and channels.
        tenant_id: whose.
        jitter: spreads the retries of several workers.
    """
    now_utc = ports.clock.now_utc()
    scope = ports.database.read(tenant_id)
    # What waits for a channel that is not set up any more goes on waiting.
    stored = await notifications.waiting_deliveries(scope, now_utc, _LIMIT)
    waiting = [each for each in stored if each.channel in ports.messengers]
    recent = await notifications.last_sent(scope, now_utc - SPACING)
    return sum([await _send(ports, each, jitter) for each in batches(waiting, recent, now_utc)])


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A message in hand. `message` is None where none of its notices is wanted any more."""

    deliveries: Sequence[Delivery]
    message: Message | None
    unwanted: Sequence[Delivery]


async def _send(ports: Ports, batch: Sequence[Delivery], jitter: random.Random) -> bool:
    claimed = await _claim(ports, batch)
    if claimed is None or claimed.message is None:
        return False
    try:
        await ports.messengers[claimed.message.channel].send(claimed.message)
    except DeliveryError as error:
        await _note_failure(ports, claimed.deliveries, error, jitter)
        return False
    async with ports.database.write(batch[0].tenant_id) as scope:
        await _settle(scope, claimed.deliveries, DeliveryStatus.SENT, sent_at_utc=ports.clock.now_utc())
    return True


async def _claim(ports: Ports, batch: Sequence[Delivery]) -> _Claimed | None:
    """Take a batch in hand, and drop what is no longer wanted; None when another worker has it."""
    tenant_id, first = batch[0].tenant_id, batch[0]
    async with ports.database.write(tenant_id) as scope:
        now_utc = ports.clock.now_utc()
        batch_id = first.batch_id or new_id()
        ids = [each.id for each in batch]
        taken = await notifications.claim_deliveries(scope, ids, batch_id, now_utc, now_utc + LEASE)
        if not taken:
            return None
        if first.channel is not Channel.EMAIL and _any_abandoned(batch, taken):
            reason = "the worker was cut off while it sent this; it may have arrived and is not sent again"
            await _settle(scope, taken, DeliveryStatus.FAILED, failure_reason=reason)
            return None
        claimed = await _composed(ports, scope, taken, batch_id)
        await _settle(scope, claimed.unwanted, DeliveryStatus.CANCELLED)
        return claimed


def _any_abandoned(before: Sequence[Delivery], taken: Sequence[Delivery]) -> bool:
    """Whether another worker had one in hand when its lease ran out: whether it left is not known."""
    sending = {each.id for each in before if each.status is DeliveryStatus.SENDING}
    return any(each.id in sending for each in taken)


async def _composed(ports: Ports, scope: WriteScope, taken: Sequence[Delivery], batch_id: UUID) -> _Claimed:
    first = taken[0]
    notices = await notifications.notices_by_id(scope, [each.notice_id for each in taken])
    members = {each.user_id: each for each in await notifications.recipients(scope, first.workspace_id)}
    person = members.get(first.user_id)
    wish = (await notifications.preferences(scope, first.workspace_id, [first.user_id]))[first.user_id]
    address = _address(first.channel, person, wish)
    wanted = [each for each in taken if address is not None and _still_wanted(each, notices[each.notice_id])]
    unwanted = [each for each in taken if each not in wanted]
    if not wanted or person is None or address is None:
        return _Claimed((), None, taken)
    workspace = await tenants.workspace(scope, first.workspace_id)
    link = None
    if first.channel is Channel.EMAIL and first.pace in DIGESTS:
        link = await new_unsubscribe_url(ports, scope, first.workspace_id, first.user_id)
    message = compose(
        batch_id,
        first.channel,
        address,
        [notices[each.notice_id] for each in wanted],
        Place(workspace.name, ports.app_url, person.name),
        link,
    )
    return _Claimed(wanted, message, unwanted)


def _still_wanted(delivery: Delivery, notice: Notice) -> bool:
    """What was read in the app meanwhile is left out of a digest."""
    return delivery.pace not in DIGESTS or notice.read_at_utc is None


def _address(channel: Channel, person: Recipient | None, wish: Preferences) -> str | None:
    """Where to write; None for who is no longer a member, or took the address away."""
    if person is None or not person.may_read:
        return None
    return {Channel.EMAIL: person.email, Channel.SMS: wish.phone, Channel.SLACK: wish.slack_address}[channel]


async def _note_failure(ports: Ports, claimed: Sequence[Delivery], error: DeliveryError, jitter: random.Random) -> None:
    again = error.retryable and (error.outcome_known or claimed[0].channel is Channel.EMAIL)
    wait = next_attempt(claimed[0].attempts, jitter.random(), error.retry_after_seconds) if again else None
    async with ports.database.write(claimed[0].tenant_id) as scope:
        if wait is None:
            await _settle(scope, claimed, DeliveryStatus.FAILED, failure_reason=error.message)
        else:
            due_at_utc = ports.clock.now_utc() + wait
            await _settle(scope, claimed, DeliveryStatus.PENDING, due_at_utc=due_at_utc, failure_reason=error.message)


async def _settle(scope: WriteScope, held: Sequence[Delivery], status: DeliveryStatus, **facts: object) -> None:
    if held:
        ids = [each.id for each in held]
        await notifications.settle_deliveries(scope, ids, held[0].lease_until_utc, status, **facts)  # type: ignore[arg-type]

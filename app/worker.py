"""The worker: every periodic job of the product, beside the API or in a process of its own. Must not know what they do.

Any number of workers may run: claims, locks and once-a-day rules stand in the database.
"""

import asyncio
import random
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from adapters.ads_txt import AdsTxtFolder
from adapters.bid_snapshots import FileSnapshots
from adapters.bid_spools import FileSpools
from app.container import Container
from app.settings import Settings, heartbeat_path
from app.tracing import in_span
from domain.bid_compiling import Terms
from domain.dispatch_times import dispatch_times
from domain.platforms import Platform
from jobs.anchor import anchor_all
from jobs.auto_approve import auto_approve_all
from jobs.bid_events import forget_old_events, move_all
from jobs.bid_snapshots import publish_changes
from jobs.connections import forget_all_attempts, renew_all
from jobs.dispatch import on_change, send_due
from jobs.emergency_stops import go_on_all
from jobs.expire import expire_all
from jobs.notifications import deliver_all, forget_all_old_links, tell_all
from jobs.presence import forget_all_lapsed
from jobs.propose import propose_all
from jobs.schedule import Loop, by_clock, run_loops
from jobs.shifts import settle_all
from jobs.status_changes import change_statuses
from jobs.sync import sync_all
from jobs.webhooks import forget_all_old, process_all, sync_all_requested
from kit.money import parse_micros
from services.bid_snapshots import Publisher
from services.dispatch import Dispatcher

_HEARTBEAT_SECONDS: Final = 3.0
_EXPIRE_SECONDS: Final = 5.0
_AUTO_APPROVE_SECONDS: Final = 5.0
_PRESENCE_SECONDS: Final = 10.0
_RENEW_SECONDS: Final = 10.0
_ATTEMPTS_SECONDS: Final = 3_600.0
_OLD_LINKS_SECONDS: Final = 3_600.0
#: What was delivered is to be processed within a second (RO-03), and no log grows by it that would wake us.
_WEBHOOKS_SECONDS: Final = 0.25
_OLD_WEBHOOKS_SECONDS: Final = 3_600.0
_OLD_EVENTS_SECONDS: Final = 3_600.0


async def run_worker(container: Container, stop: asyncio.Event) -> None:
    """Run all jobs until `stop` is set."""
    turns = loops(container)
    if container.settings.otlp_url:
        turns = [replace(each, act=in_span(f"job {each.name}", each.act)) for each in turns]
    await run_loops(turns, stop)


def loops(container: Container) -> list[Loop]:
    """What a worker does, and how often."""
    ports, settings, relay = container.ports, container.settings, container.relay
    heartbeat = heartbeat_path(settings.var_dir)
    times = dispatch_times(lease_seconds=settings.dispatch_lease_seconds, settle_scale=settings.settle_scale)
    jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing
    dispatcher = Dispatcher(ports, jitter, times)
    spools = FileSpools(settings.spool_dir)
    ads_txt = AdsTxtFolder(settings.bid_ads_txt).current if settings.bid_ads_txt else dict
    publisher = Publisher(FileSnapshots(settings.snapshot_path), _terms(settings), ads_txt)

    async def beat() -> None:
        await asyncio.to_thread(_touch, heartbeat)

    async def send(platform: Platform) -> int:
        return await send_due(dispatcher, (platform,))

    async def change(platform: Platform) -> int:
        return await change_statuses(ports, jitter, times, platforms=(platform,))

    async def sync_and_propose() -> None:
        # In this order: the plan of the day must know the day before.
        await sync_all(ports)
        await propose_all(ports)
        await auto_approve_all(ports)

    return [
        Loop("heartbeat", _HEARTBEAT_SECONDS, beat),
        Loop("sync and propose", settings.sync_interval_seconds, sync_and_propose, by_clock(ports.clock)),
        # One for each platform: one that hangs must not keep the others waiting. Pauses go apart from budgets, so as
        # not to queue behind a thousand of them.
        *(
            Loop(f"{what} {platform.value}", settings.worker_interval_seconds, partial(job, platform), on_change(relay))
            for what, job in (("dispatch to", send), ("campaign statuses of", change))
            for platform in Platform
        ),
        Loop("emergency stops", settings.worker_interval_seconds, lambda: go_on_all(ports), on_change(relay)),
        Loop("shifts", settings.worker_interval_seconds, lambda: settle_all(ports), on_change(relay)),
        # Again and again: active hours begin, people approve the decreases that pay for increases, switches are turned.
        Loop("auto-approve", _AUTO_APPROVE_SECONDS, lambda: auto_approve_all(ports)),
        Loop("notices", settings.worker_interval_seconds, lambda: tell_all(ports), on_change(relay)),
        # Apart from the notices: a mail server that hangs must not keep anything from the app.
        Loop("deliveries", settings.worker_interval_seconds, lambda: deliver_all(ports, jitter)),
        Loop("webhooks", _WEBHOOKS_SECONDS, lambda: process_all(ports)),
        Loop("requested syncs", settings.worker_interval_seconds, lambda: sync_all_requested(ports)),
        Loop("old webhooks", _OLD_WEBHOOKS_SECONDS, lambda: forget_all_old(ports)),
        Loop("unsubscribe links", _OLD_LINKS_SECONDS, lambda: forget_all_old_links(ports)),
        Loop("renew tokens", _RENEW_SECONDS, lambda: renew_all(ports), by_clock(ports.clock)),
        Loop("connection attempts", _ATTEMPTS_SECONDS, lambda: forget_all_attempts(ports)),
        Loop("expire", _EXPIRE_SECONDS, lambda: expire_all(ports)),
        Loop("presence", _PRESENCE_SECONDS, lambda: forget_all_lapsed(ports)),
        Loop("bid events", settings.worker_interval_seconds, lambda: move_all(ports, spools)),
        Loop("old bid events", _OLD_EVENTS_SECONDS, lambda: forget_old_events(ports)),
        Loop("bid snapshot", settings.bid_snapshot_seconds, lambda: publish_changes(ports, publisher)),
        Loop("anchor", settings.anchor_interval_seconds, lambda: anchor_all(ports)),
    ]


def _terms(settings: Settings) -> Terms:
    rates = {code: parse_micros(rate) for code, rate in settings.bid_rates.items()}
    return Terms(settings.bid_currency, rates, settings.bid_loyalty)


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()

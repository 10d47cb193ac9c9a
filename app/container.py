"""Composition: which adapter fills which port. The only place that knows both sides."""

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from adapters import tokens as credentials
from adapters.anchors import FileAnchors
from adapters.keyring import FileKeyRing, FixedKeyRing, KeyRing
from adapters.passwords import Passwords
from adapters.signatures import AnchorSigner
from adapters.tokens import AccessTokens
from app.connections import adapter, sandbox_clients, sandbox_connections
from app.messengers import open_messengers
from app.settings import Settings
from domain.errors import InvalidInput
from domain.platforms import AdPlatform, Platform
from kit.time import Clock, SystemClock
from models.scope import Database
from realtime.hints import Hints, open_hints
from realtime.relay import Relay
from services.ports import Ports

#: The sandbox's fixed tokens: no secrets, it lets anybody in who says them.
_SANDBOX_TOKEN = "sandbox-{}-token"  # noqa: S105 - not a secret

_LOG_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Container:
    """Everything one process composed."""

    settings: Settings
    ports: Ports
    relay: Relay
    hints: Hints
    tokens: AccessTokens
    passwords: Passwords


def key_ring(settings: Settings, name: str, clock: Clock, overlap_seconds: int | None) -> KeyRing:
    """A ring of signing keys: the environment's CE_<NAME>_KEYS if given, else a file in var_dir."""
    text = os.environ.get(f"CE_{name.upper()}_KEYS")
    if text:
        return FixedKeyRing(text, clock, overlap_seconds)
    return FileKeyRing(settings.var_dir / "keys" / f"{name}.json", clock, overlap_seconds)


def log_key(settings: Settings) -> bytes:
    """The key of the log's chain: CE_LOG_KEY (hexadecimal, 32 bytes), else a file made once in var_dir, mode 0600.

    Raises:
        InvalidInput: it is no such key.
    """
    text = os.environ.get("CE_LOG_KEY")
    if text:
        return _chain_key(text, "CE_LOG_KEY")
    path = settings.var_dir / "keys" / "log.key"
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may start at once: link() lets exactly one complete file win.
    fresh = path.with_name(f"log.key.{os.getpid()}.{secrets.token_hex(4)}")
    fresh.write_text(secrets.token_hex(32), encoding="ascii")
    fresh.chmod(0o600)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return _chain_key(path.read_text(encoding="ascii"), str(path))


def _chain_key(text: str, source: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _LOG_KEY_BYTES:
        raise InvalidInput(f"{source} must hold {_LOG_KEY_BYTES} bytes in hexadecimal")
    return key


async def sandbox_platforms(stack: AsyncExitStack, url: str) -> Mapping[Platform, AdPlatform]:
    """Adapters that talk to the sandbox with its standing tokens; the stack closes their clients."""
    clients = await sandbox_clients(stack, url)
    return {each: adapter(each, clients[each], _SANDBOX_TOKEN.format(each.value.lower())) for each in Platform}


@asynccontextmanager
async def open_container(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Container]:
    """Open everything and close it in reverse."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        database = Database(settings.database, pool=settings.database_pool)
        await database.open()
        stack.push_async_callback(database.close)
        passwords = Passwords()
        stack.callback(passwords.close)
        hints = await stack.enter_async_context(open_hints(settings.redis_url))
        signer = AnchorSigner(key_ring(settings, "anchors", clock, None))
        token_ring = key_ring(settings, "tokens", clock, settings.token_ttl_seconds + 60)
        tokens = AccessTokens(token_ring, "campaign-express", "campaign-express-api", clock, settings.token_ttl_seconds)
        ports = Ports(
            database=database,
            clock=clock,
            hints=hints,
            log_key=log_key(settings),
            anchors=FileAnchors(settings.var_dir / "anchors", signer),
            platforms=await sandbox_platforms(stack, settings.sandbox),
            connections=await sandbox_connections(stack, settings, clock),
            passwords=passwords,
            access_tokens=tokens,
            secrets=credentials,
            live_platforms=frozenset() if settings.platforms == "sandbox" else frozenset(Platform),
            refresh_ttl=timedelta(days=settings.refresh_ttl_days),
            messengers=await open_messengers(stack, settings, clock),
            app_url=settings.app_address,
        )
        relay = await stack.enter_async_context(Relay.run(database, hints, clock))
        yield Container(settings, ports, relay, hints, tokens, passwords)


def var_dir(settings: Settings) -> Path:
    """The folder of local state, made when missing."""
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    return settings.var_dir

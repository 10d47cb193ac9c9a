"""Settings: environment variables that begin with CE_, or their defaults. Must not read anything else.

Every address can be changed; nothing secret has a default that would be known.
"""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.console import CONSOLE

_SCHEMES: Final = {
    "database_url": ("sqlite://", "postgres://", "postgresql://"),
    "redis_url": ("redis://", "rediss://"),
    "bid_profiles_url": ("redis://", "rediss://"),
    "bid_caps_url": ("redis://", "rediss://"),
    "sandbox_url": ("http://", "https://"),
    "app_url": ("http://", "https://"),
    "smtp_url": ("smtp://", "smtps://", "smtp+starttls://"),
    "sendgrid_url": ("http://", "https://"),
    "twilio_url": ("http://", "https://"),
    "slack_url": ("http://", "https://"),
    "bid_url": ("http://", "https://"),
    "otlp_url": ("http://", "https://"),
}


_LAST_PORT: Final = 65_535


class Settings(BaseSettings):
    """What a process needs to know to start."""

    model_config = SettingsConfigDict(env_prefix="CE_", extra="forbid", frozen=True)

    var_dir: Path = Field(default=Path("var"), description="Where local state, keys and anchors live.")
    database_url: str = Field(default="", description="postgres://user@host:port/name; empty: SQLite in var_dir.")
    redis_url: str = Field(default="", description="redis://host:port/0 for hints across processes; empty: in-process.")
    database_pool: int = Field(default=8, ge=1, le=100, description="Connections in each of the two pools.")
    console_dir: Path = Field(default=CONSOLE, description="The built console; without one the plain page is served.")
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8000, ge=0, le=65535)
    bid_host: str = "127.0.0.1"
    bid_port: int = Field(default=8001, ge=0, le=65535)
    bid_grpc_port: int = Field(default=0, ge=0, le=65535, description="Where it also answers over gRPC; 0: nowhere.")
    bid_metrics_port: int | None = Field(default=None, ge=0, le=65535, description="Empty: the one after bid_port.")
    bid_url: str = Field(default="", description="The bid process as exchanges reach it; empty: its host and port.")
    bid_key: SecretStr = Field(
        default=SecretStr(""), description="Signs notices, 64 hexadecimal digits; empty: a file."
    )
    bid_profiles_url: str = Field(
        default="", description="redis://host:port/0 where users' profiles are; it may evict. Empty: none are known."
    )
    bid_caps_url: str = Field(
        default="",
        description="redis://host:port/0 for caps that several bid processes keep together; it must not evict.",
    )
    bid_vendor_id: int = Field(default=0, ge=0, le=65_535, description="On the TCF's global vendor list; 0: none.")
    bid_spool_dir: Path | None = Field(default=None, description="Where events wait for the worker; empty: in var_dir.")
    bid_spool_events: int = Field(default=50_000, ge=1_000, description="That wait for the disk; then nothing is bid.")
    bid_charged_by_win: frozenset[str] = Field(
        default=frozenset(), description='Seats whose exchanges send no billing notice, as JSON: ["s1"].'
    )
    bid_exposure_s: int = Field(
        default=300, ge=1, le=3_600, description="How long a bid may be shown, and holds money without a notice."
    )
    bid_shed_ms: float = Field(default=8.0, ge=0, le=1_000, description="Refuse what waited longer; 0: nothing.")
    bid_snapshot: Path | None = Field(default=None, description="What the bid process bids with; empty: in var_dir.")
    bid_snapshot_seconds: float = Field(default=10.0, gt=0, description="How often the worker looks for changes in it.")
    bid_currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"
    bid_rates: dict[str, Annotated[Decimal, Field(gt=0, lt=1_000_000)]] = Field(
        default_factory=dict, description='What other currencies are worth in it, as JSON: {"EUR": "1.08"}.'
    )
    bid_loyalty: dict[str, Annotated[float, Field(gt=0, le=100)]] = Field(
        default_factory=lambda: {"silver": 1.05, "gold": 1.1, "reserve": 1.2},
        description="What a score is multiplied with for a member of a tier, as JSON.",
    )
    bid_ads_txt: Path | None = Field(
        default=None,
        description="A folder of publishers' ads.txt files, named DOMAIN.txt; the worker follows it.",
    )
    sandbox_host: str = "127.0.0.1"
    sandbox_port: int = Field(default=8010, ge=0, le=65535)
    platforms: Literal["sandbox"] = Field(
        default="sandbox", description="Which ad platforms answer; live ones come with their OAuth connections."
    )
    sandbox_url: str = Field(default="", description="Where the sandbox answers; empty: its host and port.")
    clock: Literal["system", "sandbox"] = Field(
        default="system", description="'sandbox': follow the sandbox's clock, so that skipped days are lived through."
    )
    drain_seconds: float = Field(
        default=0.0, ge=0, le=300, description="From the signal to stop, when /ready says no, until connections end."
    )
    log_format: Literal["text", "json"] = Field(default="text", description="How servers write their log.")
    otlp_url: str = Field(default="", description="An OpenTelemetry collector, http://host:4318; empty: no traces.")
    documents: Literal["any", "known"] = Field(
        default="any", description="'known': run registered documents only, the console's and those of documents_dir."
    )
    documents_dir: Path | None = Field(default=None, description="*.graphql that every client may run by hash.")
    rate_burst: int = Field(default=60_000, ge=0, description="Points a viewer may spend at once on the API.")
    rate_per_second: float = Field(
        default=2_000.0, ge=0, description="Points a viewer gets back each second, in each process; 0: no limit."
    )
    production: bool = Field(default=False, description="Hides introspection and hints from strangers.")
    token_ttl_seconds: int = Field(default=900, ge=30, le=86_400)
    refresh_ttl_days: int = Field(default=30, ge=1, le=365)
    sync_interval_seconds: float = Field(default=900.0, gt=0)
    worker_interval_seconds: float = Field(default=1.0, gt=0)
    dispatch_lease_seconds: float = Field(
        default=25.0, ge=0.5, le=300, description="How long a worker holds a change it sends; a fifth is the margin."
    )
    settle_scale: float = Field(
        default=1.0, ge=0, le=10, description="Times the platforms' settle times; under 1 only for tests."
    )
    anchor_interval_seconds: float = Field(default=300.0, gt=0)
    meta_app_secret: SecretStr = Field(default=SecretStr(""), description="Signs Meta's webhooks; empty: none.")
    meta_verify_token: SecretStr = Field(default=SecretStr(""), description="Agreed when they are registered at Meta.")
    messages: Literal["settings", "sandbox"] = Field(
        default="settings", description="'sandbox': whatever leaves for people lands in the sandbox's mailbox."
    )
    app_url: str = Field(default="", description="The app as people reach it, for links in messages; empty: the API's.")
    sandbox_smtp_port: int = Field(default=0, ge=0, le=65535, description="The sandbox's mail server; 0: it has none.")
    mail_from: str = Field(default="Campaign Express <notices@localhost>", description="Who e-mails come from.")
    smtp_url: str = Field(default="", description="smtp://, smtp+starttls:// or smtps:// user:password@host:port.")
    sendgrid_url: str = "https://api.sendgrid.com"
    sendgrid_key: SecretStr = Field(default=SecretStr(""), description="E-mail by SendGrid instead of SMTP.")
    twilio_url: str = "https://api.twilio.com"
    twilio_account: str = Field(default="", description="The account's id, AC...; empty: no text messages.")
    twilio_token: SecretStr = SecretStr("")
    twilio_from: str = Field(default="", description="The number that text messages come from.")
    slack_url: str = "https://slack.com"
    slack_token: SecretStr = Field(default=SecretStr(""), description="A bot's token, xoxb-...; empty: no Slack.")

    @field_validator(*_SCHEMES)
    @classmethod
    def _has_known_scheme(cls, value: str, info: ValidationInfo) -> str:
        """A mistyped address is told at the start, not as a driver's riddle later."""
        known = _SCHEMES[info.field_name or ""]
        if value and not value.startswith(known):
            raise ValueError(f"an address begins with {' or '.join(known)}")
        urlsplit(value).port  # noqa: B018 - raises ValueError where it is no number
        return value

    @property
    def database(self) -> str:
        """The database's address, SQLite's spelled out."""
        return self.database_url or f"sqlite://{self.var_dir / 'campaign-express.db'}"

    @property
    def sandbox(self) -> str:
        """Where the sandbox answers."""
        return self.sandbox_url or address(self.sandbox_host, self.sandbox_port)

    @property
    def spool_dir(self) -> Path:
        """Where bid processes leave their events, and workers find them."""
        return self.bid_spool_dir or self.var_dir / "bid"

    @property
    def metrics_port(self) -> int:
        """The bid process's second port; any free one beside any free one."""
        if self.bid_metrics_port is not None:
            return self.bid_metrics_port
        return self.bid_port + 1 if 0 < self.bid_port < _LAST_PORT else 0

    @property
    def snapshot_path(self) -> Path:
        """Where workers and bid processes meet."""
        return self.bid_snapshot or self.var_dir / "bid.snapshot"

    @property
    def app_address(self) -> str:
        """Where people reach the app, without a slash at its end."""
        return (self.app_url or address(self.api_host, self.api_port)).rstrip("/")


def heartbeat_path(var_dir: Path) -> Path:
    """The file whose modification time says that a worker's loop still turns."""
    return var_dir / "worker.heartbeat"


def address(host: str, port: int) -> str:
    """Where a process of ours answers over HTTP."""
    return f"http://{authority(host, port)}"


def authority(host: str, port: int) -> str:
    """A host and its port; IPv6 addresses get their brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

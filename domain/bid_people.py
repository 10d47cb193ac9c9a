"""What is known of a user, and what a request says of a user's rights. Holds data alone."""

from typing import Final

import msgspec


class Loyalty(msgspec.Struct, frozen=True, kw_only=True):
    """A user's standing: tier, balance of stars, progress to the next tier in [0, 1], stars earned per unit spent."""

    tier: str
    balance: float = 0.0
    progress: float = 0.0
    earn_rate: float = 0.0
    qualifying_stars: int = 0


class FrequencyCap(msgspec.Struct, frozen=True, kw_only=True):
    """Impressions of all campaigns that a user wants at most, and how many were shown; 0 for no cap."""

    hourly: int = 0
    daily: int = 0
    shown_this_hour: int = 0
    shown_today: int = 0


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a user. `interests` are 64 numbers in [-1, 1], or none; `recency_score` is in [0, 1]."""

    segments: tuple[int, ...] = ()
    interests: tuple[float, ...] = ()
    device_type: str = ""
    recency_score: float = 0.0
    frequency_cap: FrequencyCap = FrequencyCap()
    loyalty: Loyalty | None = None


NOBODY: Final = Profile()


class Privacy(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says about its user's rights; each field as OpenRTB has it."""

    coppa: bool = False
    gdpr: bool = False
    consent_given: bool = False
    us_privacy: str = ""
    gpp_sections: tuple[int, ...] = ()
    gpc: bool = False

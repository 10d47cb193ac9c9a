"""Which platform adapter speaks for an ad account. Must not know how a platform is spoken to."""

from domain.ad_accounts import AdAccount
from domain.platforms import AdPlatform
from services.ports import Ports


def platform_of(ports: Ports, account: AdAccount) -> AdPlatform:
    """The account's platform."""
    return ports.platforms[account.platform]

"""Use-cases on daily metrics: which days a viewer may see. Reading takes analytics:read.

The days themselves come through the operation's loaders, which batch over campaigns.
"""

from datetime import date

from domain.access import Permission
from domain.ad_accounts import AdAccount
from domain.campaigns import Campaign
from domain.fetches import reported_day
from domain.metric_periods import Period, last_complete_days, period
from services.ports import Ports
from services.viewers import Viewer

#: Days that are shown where nobody says which.
USUAL_DAYS = 7


def allowed_period(
    ports: Ports, viewer: Viewer, campaign: Campaign, account: AdAccount, since: date | None, until: date | None
) -> Period:
    """The days to show of a campaign: those asked for, else the last seven complete ones in the account's zone.

    Raises:
        NotFound, Forbidden
        InvalidInput: only one end given, the ends the wrong way round, or over 366 days.
    """
    viewer.require(campaign.workspace_id, Permission.ANALYTICS_READ)
    if since is None and until is None:
        return last_complete_days(reported_day(ports.clock.now_utc(), account.time_zone), USUAL_DAYS)
    return period(since, until)

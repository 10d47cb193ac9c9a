"""How long a changed budget is left alone: one change a day, and longer while the platform learns again. Pure.

A large change throws a campaign back into its platform's learning phase, in which its numbers say little about what
the budget can do; another change would begin that phase anew.
"""

from datetime import date, timedelta
from typing import Final

from domain.platforms import Platform

#: A change beyond this share of the budget counts as significant to the platforms.
SIGNIFICANT_SHARE: Final = 0.20

#: Days of rest after a significant change (sources: Meta, "about the learning phase": the week after a significant
#: edit; TikTok, budget best practices: wait two days). Google and Microsoft relearn from bidding changes, not from
#: budgets; LinkedIn and Amazon name no such phase for budgets, so that one day's rest is our own choice.
_LEARNING_DAYS: Final = {
    Platform.META: 7,
    Platform.GOOGLE: 1,
    Platform.TIKTOK: 2,
    Platform.LINKEDIN: 1,
    Platform.AMAZON: 1,
    Platform.MICROSOFT: 1,
}


def rests_until(platform: Platform, before_micros: int, after_micros: int, changed_on: date) -> date:
    """The first account-zone day on which a budget changed on `changed_on` may be proposed again.

    Args:
        platform: where the budget is.
        before_micros: the daily budget before the change, account micros, > 0.
        after_micros: after it.
        changed_on: the account-zone day on which the change was confirmed.
    """
    significant = abs(after_micros - before_micros) > SIGNIFICANT_SHARE * before_micros
    return changed_on + timedelta(days=_LEARNING_DAYS[platform] if significant else 1)

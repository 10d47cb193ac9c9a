"""Use-cases on notifications: making them of the log, reading them, wishing for them, sending them."""

from services.notifications.following import behind, follow_log
from services.notifications.inbox import (
    acknowledge,
    alert_summary,
    alerts,
    escalate_due,
    follow_own,
    mark_all_read,
    mark_read,
    notice_at,
    one,
    overdue,
    own_id,
    page,
    unread_count,
)
from services.notifications.sending import deliver_due, due
from services.notifications.wishes import (
    forget_old_links,
    preferences,
    preferences_set,
    unsubscribe,
    unsubscribe_subject,
)

__all__ = [
    "acknowledge",
    "alert_summary",
    "alerts",
    "behind",
    "deliver_due",
    "due",
    "escalate_due",
    "follow_log",
    "follow_own",
    "forget_old_links",
    "mark_all_read",
    "mark_read",
    "notice_at",
    "one",
    "overdue",
    "own_id",
    "page",
    "preferences",
    "preferences_set",
    "unread_count",
    "unsubscribe",
    "unsubscribe_subject",
]

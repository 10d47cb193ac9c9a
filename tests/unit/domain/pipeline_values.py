"""Values of the money pipeline for unit tests: complete, with only what matters given."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from domain.adjustments import Adjustment, AdjustmentStatus
from domain.log import ActorKind
from domain.platforms import CampaignStatus, Platform
from domain.recommendations import Recommendation, RecommendationStatus
from domain.status_changes import StatusChange, StatusChangeState, status_before
from domain.workspaces import Workspace

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SOMEWHERE = UUID(int=1)

WORKSPACE = Workspace(SOMEWHERE, SOMEWHERE, "Acme", "USD", "America/New_York", "12:00", 0, 0.3, True, 1)


def adjustment(
    delta_micros: int = -10_000_000, status: AdjustmentStatus = AdjustmentStatus.PENDING, **changes: object
) -> Adjustment:
    """An adjustment of a budget of 100 a day, in dollars."""
    made = Adjustment(
        id=uuid4(), tenant_id=SOMEWHERE, workspace_id=SOMEWHERE, recommendation_id=SOMEWHERE, plan_id=SOMEWHERE,
        account_id=SOMEWHERE, budget_id=uuid4(), campaign_id=SOMEWHERE, status=status, version=1,
        before_micros=100_000_000, intended_micros=100_000_000 + delta_micros, delta_reporting_micros=delta_micros,
        currency_code="USD", approved_by_id="ana", auto_approved=False, created_at_utc=NOW, attempts=0,
        not_before_utc=NOW, lease_token=None, lease_until_utc=None, dispatched_at_utc=None, confirmed_at_utc=None,
        platform_execution_id=None, failure_code=None, failure_reason=None,
    )  # fmt: skip
    return replace(made, **changes)


def recommendation(delta_micros: int = 10_000_000, **changes: object) -> Recommendation:
    """An open recommendation for a budget of 100 a day, in dollars."""
    made = Recommendation(
        id=uuid4(), tenant_id=SOMEWHERE, workspace_id=SOMEWHERE, plan_id=SOMEWHERE, account_id=SOMEWHERE,
        budget_id=SOMEWHERE, campaign_id=SOMEWHERE, platform=Platform.META, campaign_name="Campaign",
        currency_code="USD", reporting_currency_code="USD", rate_to_reporting=Decimal(1),
        status=RecommendationStatus.NEEDS_REVIEW, version=1, current_micros=100_000_000,
        suggested_micros=100_000_000 + delta_micros, proposed_micros=100_000_000 + delta_micros,
        delta_reporting_micros=delta_micros, roas_now=2.0, roas_expected=2.5, roas_change_low=0.1,
        roas_change_high=0.9, revenue_change_reporting_micros=1_000_000, confidence=0.9, rationale="because",
        created_at_utc=NOW, expires_at_utc=NOW + timedelta(hours=4), changed_by_id=None, changed_at_utc=None,
        decided_by_id=None, decided_at_utc=None, decision_reason=None, adjustment_id=None,
    )  # fmt: skip
    return replace(made, **changes)


def status_change(
    state: StatusChangeState = StatusChangeState.PENDING,
    wanted: CampaignStatus = CampaignStatus.PAUSED,
    **changes: object,
) -> StatusChange:
    """A campaign on its way to be paused, unless said otherwise."""
    made = StatusChange(
        uuid4(), SOMEWHERE, SOMEWHERE, SOMEWHERE, SOMEWHERE, state, 3, status_before(wanted), wanted, "too dear",
        ActorKind.MEMBER, "ana", NOW, 1, NOW,
    )  # fmt: skip
    return replace(made, **changes)

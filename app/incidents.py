"""The incident report of an emergency stop, as JSON and as PDF. Must not hold rules.

    GET /exports/incidents/<global id>.json
    GET /exports/incidents/<global id>.pdf
    Authorization: Bearer ...

Money in units of the currency named beside it, moments in UTC. The PDF is set in a core font: what lies outside Latin-1
is shown as "?" there; the JSON has every name in full.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from fpdf import FPDF
from fpdf.fonts import FontFace

from domain.adjustments import Adjustment, AdjustmentStatus
from domain.emergency_stops import StopOutcome, StopPausing, needs_person
from domain.status_changes import StatusChangeState
from kit.money import to_decimal
from services.incidents import IncidentReport, PauseLine, ReportLine

_COLUMNS: Final = ("Platform", "Campaign", "Change", "Decided by", "What the stop did", "Now")
_WIDTHS: Final = (20, 52, 46, 36, 60, 46)
_PAUSE_COLUMNS: Final = ("Platform", "Campaign", "Status", "Now", "Confirmed")
_PAUSE_WIDTHS: Final = (20, 70, 50, 80, 40)
_PAUSING: Final = {
    StopPausing.NONE: "none",
    StopPausing.AFFECTED: "those paid by a budget that was changed in the window",
    StopPausing.ALL: "all that run",
}
_LOST: Final = frozenset({StatusChangeState.FAILED, StatusChangeState.UNKNOWN})
_DONE: Final = frozenset({AdjustmentStatus.CONFIRMED})


def as_json(report: IncidentReport) -> dict[str, Any]:
    """The whole report in plain values."""
    stop = report.stop
    return {
        "id": str(stop.id),
        "workspace": {"id": str(report.workspace.id), "name": report.workspace.name},
        "reason": stop.reason,
        "window_hours": stop.window_hours,
        "started_at_utc": _moment(stop.started_at_utc),
        "started_by": {"kind": stop.started_by_kind.value, "id": stop.started_by_id, "name": report.started_by},
        "lifted_at_utc": _moment(stop.lifted_at_utc),
        "lifted_by": report.lifted_by,
        "still_at_utc": _moment(stop.still_at_utc),
        "seconds_to_stillness": (
            None if stop.still_at_utc is None else (stop.still_at_utc - stop.started_at_utc).total_seconds()
        ),
        "summary": _summary(report),
        "changes": [_line(line) for line in report.lines],
        "pauses": {
            "campaigns_wanted": stop.pausing.value,
            "summary": _pause_summary(report),
            "campaigns": [_pause(line) for line in report.pauses],
        },
    }


def _summary(report: IncidentReport) -> dict[str, int]:
    lines = report.lines
    restored = sum(line.restoring is not None and line.restoring.status in _DONE for line in lines)
    restoring = sum(line.item.outcome is StopOutcome.RESTORING for line in lines)
    lost = sum(line.restoring is not None and needs_person(line.item, line.restoring) is not None for line in lines)
    return {
        "never_sent": sum(line.item.outcome is StopOutcome.CUT_OFF for line in lines),
        "put_back": restored,
        "not_put_back_yet": restoring - restored - lost,
        "need_a_person": sum(needs_person(line.item, line.restoring) is not None for line in lines),
    }


def _pause_summary(report: IncidentReport) -> dict[str, int]:
    pauses = [line.change.state for line in report.pauses if line.change.pauses]
    done = sum(state is StatusChangeState.CONFIRMED for state in pauses)
    lost = sum(state in _LOST for state in pauses)
    return {
        "paused": done,
        "not_paused_yet": len(pauses) - done - lost,
        "need_a_person": lost,
        "restarts_never_sent": len(report.pauses) - len(pauses),
    }


def _pause(line: PauseLine) -> dict[str, Any]:
    change, campaign = line.change, line.campaign
    return {
        "status_change_id": str(change.id),
        "platform": line.account.platform.value,
        "account": line.account.external_id,
        "account_name": line.account.name,
        "campaign": None if campaign is None else campaign.external_id,
        "campaign_name": None if campaign is None else campaign.name,
        "status_before": change.before.value,
        "status_wanted": change.wanted.value,
        "state": change.state.value,
        "confirmed_at_utc": _moment(change.confirmed_at_utc),
        "failure_code": change.failure_code,
        "failure_reason": change.failure_reason,
    }


def _line(line: ReportLine) -> dict[str, Any]:
    change, campaign = line.adjustment, line.campaign
    return {
        "adjustment_id": str(change.id),
        "platform": line.account.platform.value,
        "account": line.account.external_id,
        "account_name": line.account.name,
        "campaign": None if campaign is None else campaign.external_id,
        "campaign_name": None if campaign is None else campaign.name,
        "currency": change.currency_code,
        "budget_before": str(to_decimal(change.before_micros)),
        "budget_intended": str(to_decimal(change.intended_micros)),
        "status": change.status.value,
        "decided_by": line.approved_by,
        "automatic": change.auto_approved,
        "decided_at_utc": _moment(change.created_at_utc),
        "confirmed_at_utc": _moment(change.confirmed_at_utc),
        "outcome": line.item.outcome.value,
        "needs_person": needs_person(line.item, line.restoring),
        "restoring": None if line.restoring is None else _restoring(line.restoring),
    }


def _restoring(back: Adjustment) -> dict[str, Any]:
    return {
        "adjustment_id": str(back.id),
        "budget_restored": str(to_decimal(back.intended_micros)),
        "status": back.status.value,
        "confirmed_at_utc": _moment(back.confirmed_at_utc),
        "failure_code": back.failure_code,
        "failure_reason": back.failure_reason,
    }


def _moment(at_utc: datetime | None) -> str | None:
    return None if at_utc is None else at_utc.isoformat().replace("+00:00", "Z")


def as_pdf(report: IncidentReport) -> bytes:
    """The report on A4 pages, landscape."""
    facts = as_json(report)
    pdf = FPDF(orientation="landscape", format="A4")
    # The same report gives the same bytes.
    pdf.set_creation_date(report.stop.started_at_utc)
    pdf.set_title(_latin(f"Emergency stop of {report.workspace.name}"))
    pdf.set_auto_page_break(auto=True, margin=12)
    pdf.add_page()
    pdf.set_font("Helvetica", "B", 16)
    pdf.cell(0, 10, _latin(f"Emergency stop of {report.workspace.name}"), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Helvetica", size=10)
    for text in _head(report, facts):
        pdf.multi_cell(0, 5.5, _latin(text), new_x="LMARGIN", new_y="NEXT")
    pdf.ln(3)
    pdf.set_font("Helvetica", size=8)
    with pdf.table(col_widths=_WIDTHS, headings_style=FontFace(emphasis="BOLD")) as table:
        table.row(_COLUMNS)
        for each in facts["changes"]:
            table.row([_latin(text) for text in _cells(each)])
    if facts["pauses"]["campaigns"]:
        pdf.ln(3)
        with pdf.table(col_widths=_PAUSE_WIDTHS, headings_style=FontFace(emphasis="BOLD")) as table:
            table.row(_PAUSE_COLUMNS)
            for each in facts["pauses"]["campaigns"]:
                table.row([_latin(text) for text in _pause_cells(each)])
    return bytes(pdf.output())


def _head(report: IncidentReport, facts: Mapping[str, Any]) -> list[str]:
    stop = report.stop
    lifted = "It is in force." if stop.lifted_at_utc is None else f"Lifted {_moment(stop.lifted_at_utc)}."
    if report.lifted_by is not None:
        lifted = f"Lifted {_moment(stop.lifted_at_utc)} by {report.lifted_by}."
    still = "Not all is still yet."
    if stop.still_at_utc is not None:
        seconds = (stop.still_at_utc - stop.started_at_utc).total_seconds()
        still = f"All was still {_moment(stop.still_at_utc)}, {seconds:.0f} s after the start."
    return [
        f"Started {_moment(stop.started_at_utc)} by {report.started_by}. Reason: {stop.reason}",
        f"Changes confirmed up to {stop.window_hours} h before are put back. {lifted} {still}",
        _counts(facts["summary"]),
        f"Campaigns to be paused: {_PAUSING[stop.pausing]}. {_counts(facts['pauses']['summary'])}",
    ]


def _counts(summary: Mapping[str, int]) -> str:
    return ". ".join(f"{name.replace('_', ' ').capitalize()}: {count}" for name, count in summary.items())


def _pause_cells(pause: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        pause["platform"],
        pause["campaign_name"] or pause["campaign"] or "",
        f"{pause['status_before']} to {pause['status_wanted']}",
        pause["state"] + (f": {pause['failure_reason']}" if pause["failure_reason"] else ""),
        pause["confirmed_at_utc"] or "",
    )


def _cells(change: Mapping[str, Any]) -> tuple[str, ...]:
    back = change["restoring"]
    now = change["status"] if back is None else f"{back['budget_restored']} {change['currency']}: {back['status']}"
    return (
        change["platform"],
        change["campaign_name"] or change["campaign"] or "",
        f"{change['budget_before']} to {change['budget_intended']} {change['currency']}",
        change["decided_by"],
        change["outcome"] + (f": needs a person, {change['needs_person']}" if change["needs_person"] else ""),
        now,
    )


def _latin(text: str) -> str:
    """What the core fonts can show of a text."""
    return text.encode("latin-1", "replace").decode("latin-1")

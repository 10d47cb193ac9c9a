"""What leaves the app, in words: notices as a text, an HTML page and a subject. Pure; knows no provider.

Every value is escaped where it enters HTML, by the one function that fills templates: names come from platforms and
from people. Must not decide who gets a message or when.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from string import Template
from typing import Final
from uuid import UUID

from domain.notifications.notices import Notice, Urgency, plain
from domain.notifications.preferences import Channel

#: SMS are cut here: four segments of the plain alphabet.
MAX_SMS_CHARACTERS: Final = 600
_SUBJECT_CHARACTERS: Final = 150
#: A long digest lists so many and counts the rest.
_LISTED: Final = 25


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person.

    Attributes:
        id: of the batch; a message that is sent again has the same, so that a mailbox can tell.
        address: an e-mail address, a phone number or a Slack id, as the channel has it.
        subject: for e-mail.
        html: for e-mail.
        unsubscribe_url: where a mail program may POST to end digests; None for what no digest is.
    """

    id: UUID
    channel: Channel
    address: str
    subject: str
    text: str
    html: str
    unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message comes from: the workspace's name, and the app's address without a slash at its end."""

    workspace_name: str
    app_url: str
    person_name: str = field(default="")


_PAGE: Final = Template(
    '<!doctype html><html lang="en"><body style="font:15px/1.5 sans-serif;color:#1a1a1a;max-width:40rem">'
    "<p>Hello $name,</p>$items$more"
    '<p><a href="$url">Open $workspace in Campaign Express</a></p>$foot</body></html>'
)
_ITEM: Final = Template(
    '<div style="border-left:4px solid $colour;padding:.2rem .8rem;margin:.8rem 0">'
    "<strong>$title</strong><br>$body<br><small>$at</small></div>"
)
_MORE: Final = Template("<p>and $count more, all of them in the app.</p>")
_FOOT: Final = Template(
    '<p><small><a href="$url">Unsubscribe from digests of $workspace</a>: what needs you at once still comes.'
    "</small></p>"
)
_COLOURS: Final = {
    Urgency.HIGH: "#b00020",
    Urgency.WARNING: "#b26a00",
    Urgency.NORMAL: "#0b57d0",
    Urgency.LOW: "#888888",
}


def fill(template: Template, **values: object) -> str:
    """A template with every value escaped for HTML text and attributes; `Markup` parts go in as they are."""
    return template.substitute(
        {name: value.html if isinstance(value, Markup) else escape(str(value)) for name, value in values.items()}
    )


@dataclass(frozen=True, slots=True)
class Markup:
    """HTML that `fill` made, so that parts can be put together without escaping them twice."""

    html: str


def compose(
    batch_id: UUID,
    channel: Channel,
    address: str,
    notices: Sequence[Notice],
    place: Place,
    unsubscribe_url: str | None = None,
) -> Message:
    """One message for one or many notices (at least one), the most urgent first."""
    ordered = sorted(notices, key=lambda each: (list(_COLOURS).index(each.urgency), each.sequence))
    subject = _subject(ordered, place)
    text = _sms(ordered, place) if channel is Channel.SMS else _text(ordered, place, unsubscribe_url)
    return Message(
        id=batch_id,
        channel=channel,
        address=address,
        subject=subject,
        text=text,
        html=_html(ordered, place, unsubscribe_url),
        unsubscribe_url=unsubscribe_url,
    )


def _subject(notices: Sequence[Notice], place: Place) -> str:
    first = notices[0].title
    more = f" (and {len(notices) - 1} more)" if len(notices) > 1 else ""
    return plain(f"[{place.workspace_name}] {first}", _SUBJECT_CHARACTERS) + more


def _text(notices: Sequence[Notice], place: Place, unsubscribe_url: str | None) -> str:
    lines = [f"Hello {place.person_name},", ""]
    for each in notices[:_LISTED]:
        lines += [f"* {each.title}", f"  {each.body}", f"  {each.at_utc:%Y-%m-%d %H:%M} UTC", ""]
    if len(notices) > _LISTED:
        lines += [f"and {len(notices) - _LISTED} more, all of them in the app.", ""]
    lines.append(f"{place.workspace_name} in Campaign Express: {place.app_url}/")
    if unsubscribe_url is not None:
        lines += ["", f"Unsubscribe from digests: {unsubscribe_url}"]
    return "\n".join(lines) + "\n"


def _sms(notices: Sequence[Notice], place: Place) -> str:
    more = f" and {len(notices) - 1} more" if len(notices) > 1 else ""
    tail = f"{more} - {place.app_url}/"
    return plain(f"{place.workspace_name}: {notices[0].title}", MAX_SMS_CHARACTERS - len(tail)) + tail


def _html(notices: Sequence[Notice], place: Place, unsubscribe_url: str | None) -> str:
    items = "".join(
        fill(
            _ITEM,
            colour=_COLOURS[each.urgency],
            title=each.title,
            body=each.body,
            at=f"{each.at_utc:%Y-%m-%d %H:%M} UTC",
        )
        for each in notices[:_LISTED]
    )
    more = fill(_MORE, count=len(notices) - _LISTED) if len(notices) > _LISTED else ""
    foot = "" if unsubscribe_url is None else fill(_FOOT, url=unsubscribe_url, workspace=place.workspace_name)
    return fill(
        _PAGE,
        name=place.person_name,
        items=Markup(items),
        more=Markup(more),
        url=f"{place.app_url}/",
        workspace=place.workspace_name,
        foot=Markup(foot),
    )

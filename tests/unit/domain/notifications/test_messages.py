"""Messages in words; nothing that a name holds becomes markup, a header or a link."""

from datetime import UTC, datetime
from string import Template
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.notifications.messages import MAX_SMS_CHARACTERS, Markup, Place, compose, fill
from domain.notifications.notices import Notice, NoticeKind, Urgency
from domain.notifications.preferences import Channel

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
PLACE = Place("Acme", "https://app.acme.test", "Ana")
BATCH = UUID(int=3)


def notice(title: str, body: str = "because", urgency: Urgency = Urgency.NORMAL, sequence: int = 1) -> Notice:
    return Notice(
        UUID(int=sequence), UUID(int=8), UUID(int=9), UUID(int=1), sequence, NoticeKind.SYNC_FAILED, urgency, title,
        body, "ad_account", UUID(int=4), NOON, True, None, None,
    )  # fmt: skip


def test_one_notice_is_its_own_subject() -> None:
    message = compose(BATCH, Channel.EMAIL, "ana@acme.test", [notice("A failed")], PLACE)
    assert (message.id, message.address, message.subject) == (BATCH, "ana@acme.test", "[Acme] A failed")
    assert message.text == (
        "Hello Ana,\n\n* A failed\n  because\n  2026-03-10 12:00 UTC\n\n"
        "Acme in Campaign Express: https://app.acme.test/\n"
    )
    assert "<strong>A failed</strong><br>because" in message.html
    assert "nsubscribe" not in message.html + message.text


def test_many_notices_are_one_message_the_most_urgent_first() -> None:
    many = [notice("low", urgency=Urgency.LOW), notice("b", sequence=3), notice("a", sequence=2)]
    message = compose(BATCH, Channel.EMAIL, "x", [*many, notice("high", urgency=Urgency.HIGH, sequence=9)], PLACE)
    assert message.subject == "[Acme] high (and 3 more)"
    assert [message.text.index(f"* {word}\n") for word in ("high", "a", "b", "low")] == sorted(
        message.text.index(f"* {word}\n") for word in ("high", "a", "b", "low")
    )


def test_a_long_digest_lists_the_first_and_counts_the_rest() -> None:
    message = compose(BATCH, Channel.EMAIL, "x", [notice(f"n{n}", sequence=n) for n in range(30)], PLACE)
    assert message.text.count("* n") == 25
    assert "and 5 more, all of them in the app." in message.text
    assert "and 5 more, all of them in the app." in message.html


def test_html_is_escaped_everywhere() -> None:
    evil = '<script>alert("x")</script>&\'"'
    place = Place(evil, "https://app.acme.test", evil)
    message = compose(BATCH, Channel.EMAIL, "x", [notice(evil, evil)], place, "https://app.acme.test/unsubscribe/cu_1")
    assert "<script" not in message.html
    assert message.html.count("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#x27;&quot;") == 5
    # A text part is not HTML: there nothing is changed.
    assert evil in message.text


@given(st.text())
def test_whatever_a_value_holds_it_makes_no_tag_and_leaves_no_attribute(text: str) -> None:
    made = fill(Template('<a href="$url">$name</a>'), url=text, name=text)
    assert (made.count("<"), made.count(">"), made.count('"')) == (2, 2, 2)


def test_markup_made_by_fill_is_not_escaped_twice() -> None:
    inner = fill(Template("<b>$x</b>"), x="&")
    assert fill(Template("<p>$part $part2</p>"), part=Markup(inner), part2=inner) == (
        "<p><b>&amp;</b> &lt;b&gt;&amp;amp;&lt;/b&gt;</p>"
    )


def test_a_digest_says_how_to_end_it() -> None:
    url = "https://app.acme.test/unsubscribe/cu_1"
    message = compose(BATCH, Channel.EMAIL, "x", [notice("A")], PLACE, url)
    assert message.unsubscribe_url == url
    assert f'href="{url}"' in message.html
    assert message.text.endswith(f"\nUnsubscribe from digests: {url}\n")


def test_a_subject_is_one_short_line() -> None:
    message = compose(BATCH, Channel.EMAIL, "x", [notice("A" * 300)], Place("W\r\nBcc: x", "u", ""))
    assert message.subject.startswith("[W Bcc: x] AAA")
    assert "\n" not in message.subject
    assert len(message.subject) == 150


def test_an_sms_is_short_and_ends_with_the_address() -> None:
    message = compose(BATCH, Channel.SMS, "+14155550100", [notice("A" * 900), notice("B", sequence=2)], PLACE)
    assert len(message.text) == MAX_SMS_CHARACTERS
    assert message.text.startswith("Acme: AAA")
    assert message.text.endswith("… and 1 more - https://app.acme.test/")

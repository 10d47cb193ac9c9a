"""What every e-mail of ours says to mail programs, whoever carries it. Knows no carrier."""

from domain.notifications.messages import Message


def unsubscribe_headers(message: Message) -> dict[str, str]:
    """One-click unsubscribing (RFC 2369, RFC 8058) for digests, and for all mail that no reply is read (RFC 3834)."""
    headers = {"Auto-Submitted": "auto-generated"}
    if message.unsubscribe_url is not None:
        headers["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers

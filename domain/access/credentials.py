"""What people and programs prove themselves with: fresh secrets as values, and the rules for e-mails and passwords.

Must not make or check a secret; the adapters do.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token to hand out, with the moment it ends. The text stays out of reprs, so out of logs."""

    text: str = field(repr=False)
    expires_at_utc: datetime


@dataclass(frozen=True, slots=True)
class NewRefreshToken:
    """A fresh refresh token: `text` goes to the client once, `hash` (SHA-256, hexadecimal) is what is stored."""

    text: str = field(repr=False)
    hash: str


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A fresh API key: `text` is shown once, `prefix` finds the row and may be shown, `hash` is what is stored."""

    text: str = field(repr=False)
    prefix: str
    hash: str


MAX_EMAIL_LENGTH: Final = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets of a path
_EMAIL: Final = re.compile(
    r"(?=[^@]{1,64}@)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)


def parse_email(text: str, path: tuple[str, ...] = ("email",)) -> str:
    """An e-mail address in the one spelling under which it is stored and looked up: trimmed, lower case.

    ASCII only (an international domain in its xn-- form): two addresses that look alike must not be two people.

    Raises:
        InvalidInput: not of the form local@domain.tld, or too long.
    """
    trimmed = text.strip()
    # isascii before lower(): the Kelvin sign, for one, lowers to a plain k.
    email = trimmed.lower() if trimmed.isascii() else ""
    if len(email) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(email):
        raise InvalidInput("this is not an e-mail address", path=path)
    return email


MIN_PASSWORD_LENGTH: Final = 12
MAX_PASSWORD_LENGTH: Final = 128


def check_new_password(password: str, email: str, path: tuple[str, ...] = ("password",)) -> None:
    """Refuse a new password that is too short (12), too long (128 characters), not text, or the e-mail address.

    No rule on kinds of characters: length is what helps, and spaces are welcome.

    Raises:
        InvalidInput: with what is wrong; the message never repeats the password.
    """
    if len(password) < MIN_PASSWORD_LENGTH:
        raise InvalidInput(f"a password has at least {MIN_PASSWORD_LENGTH} characters", path=path)
    if len(password) > MAX_PASSWORD_LENGTH:
        raise InvalidInput(f"a password has at most {MAX_PASSWORD_LENGTH} characters", path=path)
    if any("\ud800" <= character <= "\udfff" for character in password):
        # JSON can spell half a surrogate pair; it has no UTF-8 form, so it could never be hashed.
        raise InvalidInput("a password is made of whole characters", path=path)
    if password.strip().lower() == email.strip().lower():
        raise InvalidInput("the password must not be the e-mail address", path=path)

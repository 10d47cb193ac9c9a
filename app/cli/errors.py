"""What a failure is called on the command line: one line, with what to do. Must not print."""

import httpx
from asyncpg import PostgresError
from pydantic import ValidationError
from tortoise.exceptions import BaseORMException

from adapters.credential_keys import CredentialKeyError
from adapters.keyring import KeyRingError
from domain.errors import DomainError, PlatformError


def line(error: Exception) -> str | None:
    """The failure as a line; None for a bug, which deserves its traceback."""
    text = None
    match error:
        case ValidationError():
            first = error.errors()[0]
            name = "_".join(str(part) for part in first["loc"]).upper()
            text = f"the setting CE_{name} is not good: {first['msg'].removeprefix('Value error, ')}"
        case PlatformError():
            text = f"{error.message}; is the sandbox running? start it with: campaign-express sandbox"
        case DomainError():
            text = error.message
        case CredentialKeyError():
            text = f"{error}; check CE_CREDENTIAL_KEYS, or the file in CE_VAR_DIR/keys"
        case KeyRingError():
            text = f"{error}; check CE_TOKENS_KEYS and CE_ANCHORS_KEYS, or the files in CE_VAR_DIR/keys"
        case BaseORMException() | PostgresError():
            text = f"the database refused: {reason(error)}"
        case OSError() if error.filename is not None:
            text = f"cannot use {error.filename}: {error.strerror}; CE_VAR_DIR says where local state is kept"
        case OSError() | httpx.HTTPError() | httpx.InvalidURL():
            text = f"{reason(error)}; check the addresses in the CE_* settings"
    return text


def reason(error: BaseException) -> str:
    """What an exception says; some say nothing."""
    if isinstance(error, TimeoutError):
        return "no answer"
    return str(error) or type(error).__name__

"""Password hashing: Argon2id with the least cost that OWASP recommends (19 MiB, two passes, one lane).

One check takes tens of milliseconds and 19 MiB on purpose. So at most two run at once, in threads of their own: a crowd
of log-ins waits here and neither stalls the event loop nor fills the memory. Must not know users or policy.
"""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1

#: A well-formed hash that no password is known for: what an unknown user is checked against, at the same cost.
_NOBODY: Final = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${'A' * 22}${'A' * 43}"


class Passwords:
    """Hashes and checks passwords. The plain methods block the caller; the awaitable ones do not.

    Args:
        at_once: how many run at the same time. A bounded pool rather than a semaphore around the shared one: a
            request that is cancelled leaves its thread running, and a semaphore would already count it as done.
    """

    def __init__(self, at_once: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="argon2")

    def hash_password(self, password: str) -> str:
        """The encoded hash (algorithm, cost and salt inside), under 100 characters.

        Raises:
            UnicodeEncodeError: the text holds half a surrogate pair, which the password policy refuses first.
        """
        return self._hasher.hash(_bytes(password))

    def verify_password(self, password: str, stored_hash: str | None) -> bool:
        """Whether the password has this hash; for a user who is unknown or has none (None) False, after the same work.

        Raises:
            argon2.exceptions.InvalidHashError: the stored hash is damaged.
        """
        try:
            self._hasher.verify(stored_hash or _NOBODY, _bytes(password, errors="surrogatepass"))
        except VerifyMismatchError:
            return False
        return stored_hash is not None

    def needs_rehash(self, stored_hash: str) -> bool:
        """Whether the hash was made with another cost; hash the password again while it is at hand."""
        return self._hasher.check_needs_rehash(stored_hash)

    async def hash_soon(self, password: str) -> str:
        """`hash_password` when one of the threads is free."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.hash_password, password)

    async def verify_soon(self, password: str, stored_hash: str | None) -> bool:
        """`verify_password` when one of the threads is free."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self.verify_password, password, stored_hash
        )

    def close(self) -> None:
        """Let the threads end; what waits is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _bytes(password: str, errors: str = "strict") -> bytes:
    # Composed and decomposed accents look the same to whoever types them; keyboards differ in which they send.
    return unicodedata.normalize("NFKC", password).encode("utf-8", errors)

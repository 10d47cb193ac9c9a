"""The relay: sees each tenant's log advance and wakes what follows it. Must not write state."""


class Relay:
    """One per process."""

"""What a client may ask for, as numbers. Owns defaults only; the checks stand where the thing is read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TransportLimits:
    """Bounds on documents, bodies, frames, sockets and time. Sizes in bytes, times in seconds.

    The document limits follow what graphql-armor ships as defaults, the node limit what GitHub's public API does.
    """

    depth: int = 12
    """Nested selection sets below the operation; a leaf of the root has depth 1."""
    introspection_depth: int = 20
    """The same below `__schema` and `__type`: the standard introspection query nests 14 deep and has no cost."""
    aliases: int = 15
    directives: int = 50
    root_fields: int = 20
    selections: int = 500
    """Fields with fragments spread out: validation compares same-named fields pairwise, and fragments multiply."""
    tokens: int = 1_000
    nodes: int = 5_000
    """Objects that `first` and `last` ask for, multiplied down nested connections."""
    cost: int = 5_000
    """Points of an operation: about the objects it may return, or what its fields declare (see `cost`)."""
    rate_burst: int = 60_000
    """Points that a viewer may spend at once, after a while of rest."""
    rate_per_second: float = 2_000.0
    """Points that a viewer gets back each second, in each process; 0 for no limit."""
    page_max: int = 100
    """What a paged field counts for when neither `first` nor `last` is given as a number."""
    body_bytes: int = 100_000
    body_seconds: float = 10.0
    """How long a request body may take to arrive."""
    frame_bytes: int = 100_000
    init_timeout_seconds: float = 10.0
    header_seconds: float = 10.0
    """How long a request's head may take to arrive, from the connection's opening or the answer before it."""
    operations_per_socket: int = 50
    streams_per_viewer: int = 50
    """Event streams open at once: each is an operation, as on a socket."""
    send_buffer_bytes: int = 1_000_000
    """What waits for a slow reader before it is cut off."""
    shared_bytes: int = 8_000_000
    """Responses to events that are kept for a moment, for other subscribers who get the same."""
    ping_seconds: float = 25.0
    """Between pings, or a stream's comments; a socket that was silent for a whole interval after a ping is cut off."""
    recheck_seconds: float = 2.0
    """How often the right of an idle socket or stream to exist is asked again."""
    close_seconds: float = 5.0
    """How long a peer may take to answer a close frame before the connection is cut."""
    cache_documents: int = 1_000
    cache_bytes: int = 8_000_000
    """Bound on the text of the cached documents; the parsed trees take about 40 times that."""

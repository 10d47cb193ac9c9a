"""Which media type answers, and whether a request's own can be read. Owns header parsing; decides no status."""

from collections.abc import Mapping
from email.message import Message
from functools import lru_cache

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"

#: In order of preference among equal q-values. A wildcard takes the legacy type: older clients send it, and they
#: expect 200 with errors.
_WILDCARDS = ("*/*", "application/*")


def accepts_events(accept: str | None) -> bool:
    """Whether the client names the event stream; a wildcard does not mean it."""
    return _weights(accept or "").get(EVENT_STREAM, 0.0) > 0


def response_type(accept: str | None) -> str | None:
    """The media type to answer with, or None if the client accepts neither."""
    if accept is None or not accept.strip():
        return JSON
    weights = _weights(accept)
    wildcard = next((weights[name] for name in reversed(_WILDCARDS) if name in weights), 0.0)
    json_weight = weights.get(JSON, wildcard)
    graphql_weight = weights.get(GRAPHQL_RESPONSE, 0.0)
    if max(json_weight, graphql_weight) <= 0:
        return None
    return GRAPHQL_RESPONSE if graphql_weight >= json_weight else JSON


@lru_cache(maxsize=256)
def _weights(accept: str) -> Mapping[str, float]:
    """q-values by media type; a type whose charset is not UTF-8 cannot be served and is left out."""
    weights: dict[str, float] = {}
    for item in accept.split(","):
        header = _parse(item)
        if not _is_utf8(header):
            continue
        name = header.get_content_type() if "/" in item else ""
        quality = header.get_param("q", "1")
        try:
            weights[name] = float(str(quality))
        except ValueError:
            weights[name] = 0.0
    return weights


@lru_cache(maxsize=256)
def is_utf8_json(content_type: str | None) -> bool:
    """Whether a request body of that type is JSON in UTF-8."""
    if content_type is None:
        return False
    header = _parse(content_type)
    return header.get_content_type() == JSON and _is_utf8(header)


def _parse(value: str) -> Message:
    header = Message()
    header["content-type"] = value.strip()
    return header


def _is_utf8(header: Message) -> bool:
    return str(header.get_param("charset", "utf-8")).lower() in {"utf-8", "utf8"}

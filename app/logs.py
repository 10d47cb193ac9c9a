"""How servers write their log: lines for people, or a JSON object a line for programs. Must not decide what is logged.

{"time": "2026-03-10T12:00:00.000000Z", "level": "INFO", "logger": "campaign_express.operations",
"message": "query Review: ok", "requestId": "...", "traceId": "...", "operation": "Review", "milliseconds": 4.2, ...}
"""

import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from opentelemetry import trace

from kit.time import iso_utc

TEXT_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

#: Of the request that runs here: lines that are logged meanwhile carry it.
REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)


class JsonLines(logging.Formatter):
    """A record as one line of JSON. `extra={"facts": {...}}` adds members."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": iso_utc(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        request_id, span = REQUEST_ID.get(), trace.get_current_span().get_span_context()
        if request_id is not None:
            line["requestId"] = request_id
        if span.is_valid:
            line["traceId"] = trace.format_trace_id(span.trace_id)
            line["spanId"] = trace.format_span_id(span.span_id)
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def log_to_stderr(log_format: str) -> None:
    """Servers say what happens, with the time; the clients they use stay quiet.

    Args:
        log_format: "text" or "json".
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if log_format == "json" else logging.Formatter(TEXT_FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("campaign_express").setLevel(logging.INFO)
    if log_format != "json":
        # A line for each operation is for programs to read.
        logging.getLogger("campaign_express.operations").setLevel(logging.WARNING)

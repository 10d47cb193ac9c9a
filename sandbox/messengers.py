"""Stand-ins for SendGrid, Twilio and Slack: they take what the real ones take and put it into the mailbox.

Only what the product sends is understood; the rest is refused in each provider's own words. Nobody's key is checked,
but one must be there.
"""

import json
from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.mailbox import Mailbox, Taken


def messenger_routes(mailbox: Mailbox) -> list[Mount]:
    """/sendgrid, /twilio and /slack: base addresses to give the clients instead of the real hosts."""
    providers = _Providers(mailbox)
    return [
        Mount("/sendgrid", routes=[Route("/v3/mail/send", providers.sendgrid, methods=["POST"])]),
        Mount(
            "/twilio",
            routes=[Route("/2010-04-01/Accounts/{account}/Messages.json", providers.twilio, methods=["POST"])],
        ),
        Mount("/slack", routes=[Route("/api/chat.postMessage", providers.slack, methods=["POST"])]),
    ]


class _Providers:
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def sendgrid(self, request: Request) -> Response:
        if _bearer(request) is None:
            return _sendgrid_error(401, "The provided authorization grant is invalid, expired, or revoked")
        try:
            body = json.loads(await request.body())
            texts = {part["type"]: str(part["value"]) for part in body["content"]}
            [person] = body["personalizations"]
            recipients = [str(each["email"]) for each in person["to"]]
            taken = Taken(
                "EMAIL", "SendGrid", str(body["from"]["email"]), ", ".join(recipients), str(body["subject"]),
                texts.get("text/plain", ""), texts.get("text/html", ""),
                {**body.get("headers", {}), **body.get("custom_args", {})},
            )  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError):
            return _sendgrid_error(400, "Bad Request")
        if not all("@" in each for each in recipients):
            return _sendgrid_error(400, "Does not contain a valid address.")
        return Response(status_code=202, headers={"x-message-id": f"sandbox-{self._mailbox.keep(taken)}"})

    async def twilio(self, request: Request) -> Response:
        account = request.path_params["account"]
        if not _basic(request).startswith(f"{account}:"):
            return JSONResponse({"code": 20003, "message": "Authenticate", "status": 401}, status_code=401)
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if not form.get("To", "").startswith("+"):
            message = f"The 'To' number {form.get('To', '')} is not a valid phone number."
            return JSONResponse({"code": 21211, "message": message, "status": 400}, status_code=400)
        taken = Taken("SMS", "Twilio", form.get("From", ""), form["To"], "", form.get("Body", ""), "", {})
        sid = f"SM{self._mailbox.keep(taken):032x}"
        return JSONResponse({"sid": sid, "status": "queued", "to": form["To"]}, status_code=201)

    async def slack(self, request: Request) -> Response:
        token = _bearer(request)
        if token is None:
            return JSONResponse({"ok": False, "error": "not_authed"})
        try:
            body: dict[str, Any] = json.loads(await request.body())
            channel, text = str(body["channel"]), str(body["text"])
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"ok": False, "error": "invalid_arguments"})
        id_ = self._mailbox.keep(Taken("SLACK", "Slack", "bot", channel, "", text, "", {}))
        return JSONResponse({"ok": True, "channel": channel, "ts": f"{id_}.000000"})


def _sendgrid_error(status: int, message: str) -> Response:
    return JSONResponse({"errors": [{"message": message, "field": None, "help": None}]}, status_code=status)


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None


def _basic(request: Request) -> str:
    scheme, _, login = request.headers.get("authorization", "").partition(" ")
    try:
        return b64decode(login).decode() if scheme.lower() == "basic" else ""
    except ValueError:
        return ""

"""What a request says of its user's rights: the law that holds, and what was agreed to. Must not judge.

Version 2.5 kept some of it in extensions, and a GPP string holds what the older strings held: the newer place counts.
"""

from typing import Final

import msgspec

from domain.bid_features import GPP_EUROPE, GPP_US_PRIVACY
from domain.bid_people import Privacy
from hotpath.auction.consents import consents
from hotpath.auction.gpp import sections_of
from hotpath.openrtb.people import User
from hotpath.openrtb.requests import Regs

_NO_SECTIONS: Final[dict[int, str]] = {}
_NOTHING_SAID: Final = Privacy()


def privacy_of(regs: Regs | None, user: User | None, vendor_id: int) -> Privacy:
    """What a request says; `vendor_id` is this bidder's number on the global vendor list, 0 for none."""
    if regs is None:
        return _NOTHING_SAID
    gdpr: object = regs.gdpr
    us_privacy: object = regs.us_privacy
    named: object = regs.gpp_sid
    gpc: object = None
    if regs.ext is not None:
        gdpr = from_ext(regs.ext.gdpr) if gdpr is None else gdpr
        us_privacy = us_privacy or from_ext(regs.ext.us_privacy)
        named = named or from_ext(regs.ext.gpp_sid)
        gpc = from_ext(regs.ext.gpc)
    sections = tuple([one for one in named if isinstance(one, int)]) if isinstance(named, list | tuple) else ()
    held = sections_of(regs.gpp) if sections and regs.gpp else _NO_SECTIONS
    if not us_privacy and GPP_US_PRIVACY in sections:
        us_privacy = held.get(GPP_US_PRIVACY)
    consent = _consent(user) or (held.get(GPP_EUROPE, "") if GPP_EUROPE in sections else "")
    return Privacy(
        coppa=regs.coppa != 0,
        gdpr=not (gdpr is None or gdpr in (0, "0")),
        consent_given=consents(consent, vendor_id),
        us_privacy=us_privacy if isinstance(us_privacy, str) else "",
        gpp_sections=sections,
        gpc=gpc in (1, "1"),
    )


def from_ext(raw: msgspec.Raw | msgspec.UnsetType) -> object:
    """What version 2.5 kept in an extension; None where there is nothing."""
    return None if raw is msgspec.UNSET else msgspec.json.decode(raw)


def _consent(user: User | None) -> str:
    if user is None:
        return ""
    older = from_ext(user.ext.consent) if not user.consent and user.ext is not None else ""
    return user.consent or (older if isinstance(older, str) else "")

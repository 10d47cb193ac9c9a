"""From a request's facts to a bid or a reason per impression. Must not parse, fetch, log or answer."""

"""The outside world behind the services' ports. Adapters build requests and parse answers; they do not decide."""

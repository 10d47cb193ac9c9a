"""Use-cases: verbs, one transaction each, and the ports they need from outside. Must not import adapters or realtime."""

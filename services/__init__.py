"""Use-cases: verbs, one transaction each, and the ports they need. Must not import adapters or realtime."""

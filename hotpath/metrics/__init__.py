"""What operators see: counters that the hot path raises, and a port of its own that reads them. Must not bid."""

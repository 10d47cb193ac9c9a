"""The log's relay, topics, presence and subscription streams. Must not write state."""

"""Between the wire and the engine: a request's facts, an answer's markup and notices. Must not do I/O."""

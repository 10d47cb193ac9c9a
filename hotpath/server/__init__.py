"""HTTP for the bid process: a protocol of its own, since a framework costs more than an auction. Must not bid."""

"""The model behind one protocol, whatever runs it. Must not know of auctions."""

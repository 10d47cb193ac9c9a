"""The bid process: OpenRTB codec, snapshot, inference, caps, spool, server. Must not import the ORM or GraphQL."""

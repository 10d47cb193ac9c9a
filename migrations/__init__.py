"""The tables' history, one file a change; written by Tortoise, the same on SQLite and PostgreSQL."""

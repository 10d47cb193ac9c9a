"""Schedules and thin tasks that call services. Tasks take ids, read again, and are idempotent."""

"""Tortoise tables and their named, tenant-scoped queries. Must not decide anything."""

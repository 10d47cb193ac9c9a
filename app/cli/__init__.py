"""The command line `campaign-express`: one module per group of commands. Must hold no rules."""

from app.cli.main import main

__all__ = ["main"]

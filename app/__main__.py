"""`python -m app` is the command line, for processes that start each other."""

from app.cli import main

main()

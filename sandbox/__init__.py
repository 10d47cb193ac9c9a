"""Stand-ins for the outside world as real HTTP servers, for local runs, tests and demos. Imports `kit` at most."""

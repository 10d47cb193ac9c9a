"""Pure rules: values in, decisions out. No I/O, no ORM, no framework; clock, seed and settings are arguments."""

"""What clients see: types, inputs, payloads, enums, scalars, typed errors. Must hold no logic."""

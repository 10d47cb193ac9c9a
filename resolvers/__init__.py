"""Query, Mutation and Subscription fields: authorise, parse, one service call, payload. Must not hold rules."""

"""Money, time, ids, pagination: small tools that know no domain. Must not import any other package of the project."""

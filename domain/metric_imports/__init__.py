"""Metrics import: CSV text and a profile in, summed campaign days and rejected rows out. No file I/O, no storage.

    profiles   which column or constant fills which field       cells, days   one cell to one value, or refused
    records    CSV text to records with physical lines          rows          one record to what it adds
    parsing    the sums of a file                               reports       what comes out

The command line opens the file, a service stores the days; the how-to is docs/metrics-import.md.
"""

from domain.metric_imports.parsing import MAX_LISTED_REJECTIONS, parse_file
from domain.metric_imports.profiles import Block, ImportProfile, parse_profile, profile_from_options
from domain.metric_imports.reports import CoveredAccount, ImportedDay, ParsedFile, RejectedRow

__all__ = [
    "MAX_LISTED_REJECTIONS",
    "Block",
    "CoveredAccount",
    "ImportProfile",
    "ImportedDay",
    "ParsedFile",
    "RejectedRow",
    "parse_file",
    "parse_profile",
    "profile_from_options",
]

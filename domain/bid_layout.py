"""Where each of the model's 256 inputs lies, and the name of that layout. Holds numbers alone.

A model is only good for the layout that it was trained on: it carries the layout's name, and is refused by a process
that lays its vectors out differently.
"""

from hashlib import sha256
from math import log1p
from typing import Final

#: Inputs of the model: the feature vector's length.
FEATURES: Final = 256
INTERESTS: Final = slice(0, 64)
SEGMENTS: Final = slice(64, 128)
LOYALTY: Final = slice(128, 136)
CONTEXT: Final = slice(136, 140)
TIER, BALANCE, PROGRESS, EARN_RATE = 128, 129, 130, 131
RECENCY, FREQUENCY, DEVICE, POSITION = 136, 137, 138, 139

#: The four tiers, lowest first.
TIERS: Final = ("basic", "silver", "gold", "reserve")
DEVICES: Final = {"mobile": 1 / 3, "tablet": 2 / 3, "desktop": 1.0}
#: A balance at or above it fills its slot.
FULL_BALANCE: Final = log1p(1_000_000.0)
#: OpenRTB's ad positions, 0 to 7.
MOST_POSITION: Final = 7

#: Changes with every number above.
LAYOUT_HASH: Final = sha256(
    repr((
        FEATURES, INTERESTS, SEGMENTS, LOYALTY, CONTEXT, TIER, BALANCE, PROGRESS, EARN_RATE, RECENCY, FREQUENCY, DEVICE,
        POSITION, TIERS, DEVICES, FULL_BALANCE, MOST_POSITION,
    )).encode()
).hexdigest()[:16]  # fmt: skip

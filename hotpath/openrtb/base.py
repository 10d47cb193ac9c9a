"""What every OpenRTB object shares. Must not name an object of the specification.

Unknown fields are skipped; enumerations are plain integers, so that a value that a later list adds is no error.
Attributes are named as in the specification. `gc=False`: the objects form no circles, and the collector need not walk
thousands of them a second.
"""

import msgspec


class Wire(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """An object of the specification; what is absent has the specification's default, or is empty. Never changed."""


class Extension(msgspec.Struct, frozen=True, gc=False):
    """Somebody's extension: it must be an object, and nothing in it is read or kept."""

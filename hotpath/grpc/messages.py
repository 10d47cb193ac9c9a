"""OpenRTB's messages in Protocol Buffers as the objects that the JSON codec gives, and back. Must not know gRPC.

Both ways go by names: a message and its object are called the same, and so are their fields. What an exchange sends and
we do not read is skipped, as in JSON.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import msgspec
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from hotpath.grpc import bidder_pb2, openrtb_pb2
from hotpath.openrtb import impressions, inventory, media, people, requests, responses
from hotpath.openrtb.base import Wire
from hotpath.openrtb.codec import Codec, MalformedRequest, checked
from hotpath.openrtb.requests import BidRequest
from hotpath.openrtb.responses import BidResponse

#: Objects by the names of their messages.
_OBJECTS: Final[dict[str, type[Wire]]] = {
    name: kind
    for module in (impressions, inventory, media, people, requests, responses)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, Wire)
}
_UNREAD: Final = msgspec.Raw | msgspec.UnsetType


class _Reader:
    """Messages of one kind as objects."""

    def __init__(self, message: Descriptor) -> None:
        self._kind = _OBJECTS[message.name]
        known = {field.name: field for field in msgspec.structs.fields(self._kind)}
        self._takes: dict[str, tuple[str, Callable[[Any], object]]] = {
            field.name: (field.name, _taker(field, unread=known[field.name].type == _UNREAD))
            for field in message.fields
            if field.name in known
        }
        if "request_native" in message.fields_by_name:
            # A native request as a message is the text that it is in JSON.
            self._takes["request_native"] = ("request", _text)
        #: A list that was not sent is an empty one: Protocol Buffers cannot tell.
        self._lists = {
            field.name
            for field in message.fields
            if field.is_repeated and field.name in known and known[field.name].required
        }
        self._required = {name for name, field in known.items() if field.required} - self._lists

    def __call__(self, message: Message) -> Wire:
        """The object. MalformedRequest: a required value is missing."""
        takes = self._takes
        found: dict[str, Any] = dict.fromkeys(self._lists, ())
        for field, value in message.ListFields():
            take = takes.get(field.name)
            if take is not None:
                found[take[0]] = take[1](value)
        for name in self._required:
            if name not in found:
                raise MalformedRequest(f"{self._kind.__name__}.{name} is required")
        return self._kind(**found)


def _taker(field: FieldDescriptor, *, unread: bool) -> Callable[[Any], object]:
    """How a field's value becomes an attribute's."""
    if unread:
        return lambda value: msgspec.Raw(msgspec.json.encode(_plain(value)))
    if field.message_type is not None:
        read = _Reader(field.message_type)
        return (lambda values: tuple([read(value) for value in values])) if field.is_repeated else read
    if field.is_repeated:
        return tuple
    return int if field.type == FieldDescriptor.TYPE_BOOL else _same


def _same(value: object) -> object:
    return value


def _text(message: Message) -> str:
    return msgspec.json.encode(_plain(message)).decode()


def _plain(value: Any) -> Any:
    """A value as JSON has it; flags are numbers."""
    if isinstance(value, Message):
        return {
            field.name: [_plain(one) for one in inner] if field.is_repeated else _plain(inner)
            for field, inner in value.ListFields()
        }
    return int(value) if isinstance(value, bool) else value


def write(value: Wire, message: Message) -> None:
    """Set a message's fields to an object's attributes, as far as it has them, they were read and are no defaults."""
    known = cast("Mapping[str, FieldDescriptor]", message.DESCRIPTOR.fields_by_name)
    for field in msgspec.structs.fields(type(value)):
        inner = getattr(value, field.name)
        target = known.get(field.name)
        if target is None or inner == field.default or inner is None or isinstance(inner, msgspec.Raw):
            continue
        if target.message_type is not None:
            place = getattr(message, field.name)
            if not target.is_repeated:
                # One without any attribute is there all the same.
                place.SetInParent()
                write(inner, place)
                continue
            for one in inner:
                write(one, place.add())
        elif target.is_repeated:
            getattr(message, field.name).extend([_said(one, target) for one in inner])
        else:
            setattr(message, field.name, _said(inner, target))


def _said(value: Any, field: FieldDescriptor) -> Any:
    """A value as a field holds it: flags are truth values, and ids that JSON also has as numbers are text."""
    if field.type == FieldDescriptor.TYPE_BOOL:
        return bool(value)
    return str(value) if field.type == FieldDescriptor.TYPE_STRING else value


_READ: Final = _Reader(cast("Descriptor", openrtb_pb2.BidRequest.DESCRIPTOR))


def decode_request(body: bytes) -> BidRequest:
    """A checked bid request of a serialised message.

    Raises:
        MalformedRequest: no such message, or one of the rules of `hotpath/openrtb/rules.py` broken.
    """
    try:
        message = openrtb_pb2.BidRequest.FromString(body)
    except DecodeError as error:
        raise MalformedRequest(str(error)) from error
    request = _READ(message)
    if not isinstance(request, BidRequest):
        raise TypeError(f"a bid request was read as {type(request).__name__}")
    return checked(request)


def encode_response(response: BidResponse) -> bytes:
    """The response as a serialised message."""
    message = bidder_pb2.BidResponse()
    write(response, message)
    return message.SerializeToString()


PROTOBUF: Final = Codec(decode_request, encode_response)

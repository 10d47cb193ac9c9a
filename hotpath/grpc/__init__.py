"""The bidder over gRPC, and OpenRTB's messages in Protocol Buffers. Must not decide anything about a bid.

`openrtb_pb2`, `bidder_pb2` and `bidder_pb2_grpc` are written by `make protos` from the two .proto files beside them.
"""

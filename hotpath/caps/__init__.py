"""Frequency caps that several bid processes keep together, through Redis. Must not decide who may be bid on."""

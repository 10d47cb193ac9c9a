"""OpenRTB 2.6 on the wire: its objects, reading and writing them, the rules that make a request a request.

Must not decide anything about a bid.
"""

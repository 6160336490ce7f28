"""The runners: one module a step kind, behind the protocol of `protocol.py`."""

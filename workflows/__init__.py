"""Deterministic hosts. Nothing here interprets: that is decided once, in activities."""

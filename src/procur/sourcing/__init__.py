"""Requests: what somebody wants to buy, from plain words to a settled deal."""

"""Procur: self-hosted procurement that negotiates for the buyer."""

__version__ = "0.1.0"

"""The trail: what was done, by whom, provably unchanged."""

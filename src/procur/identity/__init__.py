"""Who acts, for which organisation, and what they may do."""

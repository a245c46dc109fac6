"""The only place that calls addresses which others gave: guarded, bounded, polite."""

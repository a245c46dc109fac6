"""Enrichment: what vendors' own pages and feeds say of them, with where, when and how sure."""

"""Conversations of people and agents: what was said, kept where the rest of the company's data is."""

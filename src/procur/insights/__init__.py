"""Read models over finished work: savings, spend, cycle time."""

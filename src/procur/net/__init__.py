"""Calls to the outside that cannot be turned against the inside, and good manners towards those called."""

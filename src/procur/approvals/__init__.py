"""What a purchase needs before it may happen: policy as data, and who has to approve."""

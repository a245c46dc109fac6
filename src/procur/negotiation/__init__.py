"""The negotiation desk: a pure engine that bargains for the buyer, and what plays against it in practice."""

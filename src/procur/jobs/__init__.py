"""Work for later: asked for in the transaction that needs it, claimed under a lease, done once."""

"""What the HTTP edge shares: who is asking, the live stream, metrics, health."""

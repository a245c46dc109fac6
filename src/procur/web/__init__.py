"""What the HTTP edge shares: who is asking, the live stream, metrics, health."""

# Routers carry it themselves: one that is added with a prefix is logged and counted without it.
API = "/api/v1"

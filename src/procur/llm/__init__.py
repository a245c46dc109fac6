"""The only place that calls a language model; off until it is configured."""

"""The vendors room: the catalogue, its words, and who fits a request."""

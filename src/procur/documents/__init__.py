"""Documents: templates become PDF/A files with known bytes, and files are kept so that a change shows."""

"""The procur command."""

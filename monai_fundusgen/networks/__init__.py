"""Network architectures; no losses, no files."""

"""One file per published network."""

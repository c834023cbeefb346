"""From a plan of seeds to a dataset on disk."""

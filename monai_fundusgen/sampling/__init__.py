"""From a seed to a labelled photograph in memory."""

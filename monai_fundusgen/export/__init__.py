"""A data set in the layouts that other programs read: one file a family of consumers."""

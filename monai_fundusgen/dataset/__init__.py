"""A data set on disk: its files, journal, lists, cards and checks."""

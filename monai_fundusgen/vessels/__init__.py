"""Geometry of vessel maps: skeletons, graphs, calibre, topology."""

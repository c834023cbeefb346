"""The procedural retina: one seed, one labelled eye, as arrays (no files)."""

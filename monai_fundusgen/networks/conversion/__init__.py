"""State dicts of other programs' diffusion U-Nets, renamed and reordered for ours; tensors only, no files."""

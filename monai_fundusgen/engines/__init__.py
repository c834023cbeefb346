"""Training steps: callables given to MONAI trainers as ``iteration_update``."""

"""Gaussian diffusion as functions of tensors: schedules, posterior, samplers, weights, noise."""

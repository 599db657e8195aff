"""Nodes around a diffusion model: loading, prompts, noise, sampling, decoding, and a look inside."""

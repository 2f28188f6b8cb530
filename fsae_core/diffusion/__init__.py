"""Compressed Field Diffusion: ensembles of global fields, drawn in the compressed space."""

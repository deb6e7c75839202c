"""A plain baseline: one image tower for all modalities and a linear head on its patches."""

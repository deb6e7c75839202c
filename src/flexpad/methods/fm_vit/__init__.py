"""FM-ViT: a branch a modality, and blocks that cross between branches."""

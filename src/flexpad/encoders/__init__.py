"""CLIP towers with hooks for tokens, their weights and their words."""

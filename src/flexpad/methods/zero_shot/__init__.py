"""Zero-shot CLIP: an image is held against a sentence a class, and nothing is trained."""

"""CLIP with one small convolutional adapter: the public recipe of the FM-CLIP authors."""

"""Rendered tri-modal faces: a parametric head, materials, instruments and sensors."""

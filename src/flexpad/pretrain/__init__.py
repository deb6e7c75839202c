"""Pre-training of a small CLIP the CLIP way: rendered views and sentences that describe them.

Nothing in here knows of attacks. What is shown are people who show their own faces, and empty
places; what is said names looks, light and place.
"""

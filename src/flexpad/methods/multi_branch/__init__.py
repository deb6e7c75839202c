"""A tuned encoder a modality, and one attention layer across them."""

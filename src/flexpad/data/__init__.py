"""The manifest, what may be done with its rows, and how its images become batches."""

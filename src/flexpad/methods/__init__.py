"""One folder, one method."""

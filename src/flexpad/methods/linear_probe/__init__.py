"""A linear probe: what a frozen encoder can tell."""

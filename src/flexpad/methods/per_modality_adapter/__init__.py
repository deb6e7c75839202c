"""An adapter for each modality, chosen by its name: the oracle for routing."""

"""What any training needs, whatever is trained: rates, draws, states, processes, a diary."""

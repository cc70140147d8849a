"""How PyTorch writes the ops, by family."""

"""Training: the presets, and the trainer that fits them."""

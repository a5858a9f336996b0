"""Training: presets (what) and fitting (how)."""

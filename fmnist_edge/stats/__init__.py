"""What several modules compute from samples: intervals and tests, and shares of labels."""

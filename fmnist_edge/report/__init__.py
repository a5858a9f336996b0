"""From a results file to something people read."""

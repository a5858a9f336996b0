"""The classifiers that exports start from, one module per file format."""

"""The command line: arguments in, calls to `fmnist_edge.pipeline`, text out."""

"""Finding out whether a runtime can compute on a device, by letting it compute.

`python -m fmnist_edge.probe RUNTIME DEVICE` opens a small network, runs it once, and compares the
answer with the right one. It is a process of its own, because drivers crash and hang.
"""

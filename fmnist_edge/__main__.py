"""`python -m fmnist_edge` is the command `fmnist-edge`."""

from fmnist_edge_cli.main import main

if __name__ == "__main__":
    main()

"""What this environment holds: `python -m fmnist_edge.describe` tells it as a line of JSON."""

import platform
import sys

from fmnist_edge import __version__
from fmnist_edge.environments import Description, Library, machine, source_digest
from fmnist_edge.optional import installed, providers_of
from fmnist_edge.records import encode_json
from fmnist_edge.runtimes import RUNTIMES


def describe() -> Description:
    """Return what this environment tells of itself; no runtime is imported."""
    # What every install has, such as NumPy, makes no difference between environments.
    packages = {
        name: module.PACKAGE
        for name, module in RUNTIMES.items()
        if module.EXTRA and installed(module.PACKAGE)
    }
    providers = providers_of(frozenset(packages.values()))
    return Description(
        version=__version__,
        source=source_digest(),
        python=platform.python_version(),
        machine=machine(),
        runtimes={
            # A package that was not installed but put there has no distribution.
            name: Library(*providers.get(package, [(package, "")])[0])
            for name, package in packages.items()
        },
    )


def main() -> None:
    """Write the description to stdout."""
    sys.stdout.write(encode_json(describe()))


if __name__ == "__main__":
    main()

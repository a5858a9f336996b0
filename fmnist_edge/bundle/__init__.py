"""A bundle: models and the test split in one ZIP file, with an index of hashes.

write_bundle(models, Path("garments.zip"), data=folder)   # the same bytes each time
opened = open_bundle(Path("garments.zip"))                # checked, and unpacked into the cache
"""

from fmnist_edge.bundle.cache import bundles_folder, data_beside
from fmnist_edge.bundle.index import (
    DATA_FILES,
    DATA_FOLDER,
    SCHEMA_VERSION,
    BundleIndex,
    Member,
)
from fmnist_edge.bundle.read import OpenedBundle, open_bundle
from fmnist_edge.bundle.write import SUFFIX, check_destination, write_bundle

__all__ = [
    "DATA_FILES",
    "DATA_FOLDER",
    "SCHEMA_VERSION",
    "SUFFIX",
    "BundleIndex",
    "Member",
    "OpenedBundle",
    "bundles_folder",
    "check_destination",
    "data_beside",
    "open_bundle",
    "write_bundle",
]

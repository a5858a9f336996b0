"""From what a user names to model files: files, folders, bundles, and what is in a bundle.

`bench`, `evaluate` and every other command that takes models or folders expand them here.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fmnist_edge import dataset
from fmnist_edge.artifact import SAVED_MODEL_FILE, find_models
from fmnist_edge.bundle import SUFFIX, OpenedBundle, bundles_folder, data_beside, open_bundle
from fmnist_edge.dataset import DataFile, DataFolder
from fmnist_edge.errors import ArtifactNotFoundError, UsageError
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.report.numbers import listed


def model_files(paths: Sequence[Path], artifacts: Path) -> tuple[Path, ...]:
    """Return the model files meant by `paths`; a folder or a bundle stands for what is in it.

    Args:
        paths: Files, folders, bundles, and paths that lead into a bundle; none means `artifacts`.
            A bundle is opened only if it is named, not because it lies in a folder.
        artifacts: The folder of artifacts.

    Raises:
        ArtifactNotFoundError: A path does not exist, or there is nothing to measure.
        BundleError: A bundle is damaged, or is none.
        StorageError: A bundle cannot be unpacked.
    """
    found = tuple(dict.fromkeys(_expand(paths))) if paths else find_models(artifacts)
    if not found:
        raise ArtifactNotFoundError(
            f"There are no model files in {', '.join(map(str, paths or (artifacts,)))}.",
            hint=_how_to_begin(artifacts),
        )
    return found


def one_model(path: Path) -> Path:
    """Return the main file of the one model meant by `path`.

    Args:
        path: A model file, the folder of a SavedModel, a bundle with one model, or a path that
            leads into a bundle. What does not exist is returned as it is.

    Raises:
        ArtifactNotFoundError: The bundle has no such model.
        UsageError: Several models are meant.
        BundleError: The bundle is damaged, or is none.
        StorageError: The bundle cannot be unpacked.
    """
    inside = path / SAVED_MODEL_FILE
    if inside.exists():
        return inside
    place = bundle_of(path)
    if place is None:
        return path
    bundle = open_bundle(place)
    first, *others = _models_in(bundle, path)
    if others:
        raise UsageError(
            f"{path} holds {1 + len(others)} models, and one is needed.",
            hint=f"Name one of them, for example {place / first.relative_to(bundle.folder)}",
        )
    return first


def bundle_of(path: Path) -> Path | None:
    """Return the bundle that `path` names or leads into; None where there is none."""
    for each in (path, *path.parents):
        if each.suffix.lower() == SUFFIX and each.is_file():
            return each
    return None


def locate_data(
    models: Iterable[Path],
    named: Path | None,
    *,
    files: Sequence[DataFile],
    progress: Progress = SILENT,
) -> DataFolder:
    """Find the data set for models: in the folder that is named, or in their bundle, or anywhere.

    Args:
        models: Model files, as `model_files` returns them.
        named: A folder of the data set that the user names; only that one is used then.
        files: The files that are needed.
        progress: Told of downloads.

    Raises:
        DatasetNotFoundError: The files are nowhere.
        DatasetCorruptError: A file is not the published one.
        StorageError: A file cannot be read.
    """
    if named is None:
        named = next(filter(None, (data_beside(each, files) for each in models)), None)
    return dataset.locate(named, files=files, progress=progress)


def check_unpacked(models: Iterable[Path]) -> None:
    """Check that models which came out of bundles are still where they were unpacked.

    Raises:
        ArtifactNotFoundError: One is not.
    """
    for model in models:
        if model.is_relative_to(bundles_folder()) and not model.exists():
            raise ArtifactNotFoundError(
                f"{model} is gone, which came out of a bundle.",
                hint="Any command unpacks the bundle again: fmnist-edge bench BUNDLE.zip --dry-run",
            )


def _how_to_begin(artifacts: Path) -> str:
    reference = artifacts / "reference"
    if find_models(reference):
        return f"Measure the models that come with the project: fmnist-edge bench {reference}"
    return "Make some with: fmnist-edge train && fmnist-edge export"


def _expand(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        bundle = bundle_of(path)
        if bundle is not None:
            yield from _models_in(open_bundle(bundle), path)
        elif path.is_dir():
            yield from find_models(path)
        elif path.exists():
            yield path
        else:
            raise ArtifactNotFoundError(
                f"There is no {path}.",
                hint="Check the path; fmnist-edge train and fmnist-edge export make files.",
            )


def _models_in(bundle: OpenedBundle, path: Path) -> Sequence[Path]:
    """Return the models of a bundle that `path` means: all, or those below what it leads to.

    Raises:
        ArtifactNotFoundError: There is none.
    """
    wanted = bundle.folder / path.relative_to(bundle.path)
    found = [each for each in bundle.models if each.is_relative_to(wanted)]
    if not found:
        raise ArtifactNotFoundError(
            f"There is no model {path}.",
            hint=f"{bundle.path} holds {listed(bundle.index.models) or 'no model'}.",
        )
    return found

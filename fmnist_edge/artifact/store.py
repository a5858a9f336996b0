"""Artifacts on disk: they are written whole, and checked when they are opened."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from fmnist_edge.artifact.manifest import (
    SAVED_MODEL_FILE,
    SCHEMA_VERSION,
    Artifact,
    Format,
    Manifest,
)
from fmnist_edge.errors import (
    ArtifactExistsError,
    ArtifactNotFoundError,
    HashMismatchError,
    ManifestError,
    ModelUnsupportedError,
)
from fmnist_edge.files import sha256_of, staged, storage_errors
from fmnist_edge.records import RecordError, decode_document, encode_json

# Formats whose weights lie in a file of their own, which has the name of the main file.
_WITH_WEIGHTS_BESIDE: Final = frozenset({Format.OPENVINO, Format.NCNN})
_WEIGHTS_SUFFIX: Final = ".bin"
_SEARCHED_BY_NAME_ONLY: Final = frozenset({"reference", "reference-work", "teachers"})


def manifest_path(path: Path) -> Path:
    """Return the path of the manifest of the model file `path`."""
    return path.parent / f"{path.name}.json"  # with_name() would choke on "."


def refuse_to_replace(path: Path, *, force: bool) -> None:
    """Refuse, before any long work, to write over a file that is there.

    Raises:
        ArtifactExistsError: `path` is there already, and `force` is not given.
    """
    if not force and (path.exists() or manifest_path(path).exists()):
        raise ArtifactExistsError(
            f"{path} is there already.", hint="Pass --force to replace it, or choose another name."
        )


def write_artifact(
    folder: Path, payload: bytes, manifest: Manifest, companions: Mapping[str, bytes] | None = None
) -> Path:
    """Write an artifact into `folder` and return the path of its (main) model file.

    All files reach the disk before anything that was there is touched. Then the old manifest goes
    first and the new one comes last, so that at no moment a manifest stands beside a file that it
    does not describe.

    Raises:
        StorageError: The folder cannot be written to; what was there before is still there.
    """
    path = folder / manifest.file
    sidecar = manifest_path(path)
    text = encode_json(manifest).encode()
    models = {path: payload} | {folder / name: part for name, part in (companions or {}).items()}
    former = _companions_of(path)
    with ExitStack() as stack:
        place_models = [stack.enter_context(staged(each, part)) for each, part in models.items()]
        place_manifest = stack.enter_context(staged(sidecar, text))
        with storage_errors(path):
            sidecar.unlink(missing_ok=True)
        try:
            for place in (*place_models, place_manifest):
                place()
        except BaseException:
            for each in models:
                each.unlink(
                    missing_ok=True
                )  # A model file without its manifest would be an incomplete artifact.
            raise
    with storage_errors(path):
        for each in former - models.keys():
            each.unlink(missing_ok=True)
    return path


def _companions_of(path: Path) -> set[Path]:
    """Return the companion files of the artifact that is about to be replaced."""
    try:
        manifest = read_manifest(path)
    except ManifestError:
        return set()
    return {path.parent / name for name in manifest.companions} if manifest else set()


def read_manifest(path: Path) -> Manifest | None:
    """Return the manifest of the model file `path`, or None where it has none.

    Raises:
        ManifestError: There is one, and it cannot be understood.
    """
    where = manifest_path(path)
    try:
        text = where.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ManifestError(f"Cannot read the manifest {where}: {error.strerror}.") from error
    try:
        manifest = decode_document(Manifest, text, SCHEMA_VERSION)
    except RecordError as error:
        raise ManifestError(
            f"The manifest {where} cannot be understood: {error}.",
            hint="Export the model again, or remove the manifest to use the bare file.",
        ) from error
    if manifest.file != path.name:
        raise ManifestError(
            f"The manifest {where} describes {manifest.file!r}, not {path.name!r}.",
            hint="Move a model file and its manifest together, and keep both names.",
        )
    return manifest


def open_artifact(path: Path) -> Artifact:
    """Read a model file and check it against its manifest.

    Raises:
        ArtifactNotFoundError: There is no such file.
        ManifestError: Its manifest cannot be understood.
        HashMismatchError: The file is not the one that its manifest describes.
        ModelUnsupportedError: The file has no manifest, and its suffix names no known format.
    """
    manifest = read_manifest(path)
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise ArtifactNotFoundError(
            f"Cannot read {path}: {error.strerror}.", hint="Check the path."
        ) from error
    if manifest is None:
        kind = format_of(path)
        return Artifact(path, kind, payload, None, _weights_beside(path, kind))
    _check_hash(path, payload, manifest.sha256)
    companions = {name: _companion(path, name, manifest) for name in manifest.companions}
    return Artifact(path, manifest.format, payload, manifest, companions)


def _companion(path: Path, name: str, manifest: Manifest) -> bytes:
    where = path.parent / name
    try:
        payload = where.read_bytes()
    except OSError as error:
        raise ArtifactNotFoundError(
            f"Cannot read {where}, which belongs to {path.name}: {error.strerror}.",
            hint="Copy all files of a model together.",
        ) from error
    _check_hash(where, payload, manifest.companions[name])
    return payload


def _weights_beside(path: Path, kind: Format) -> Mapping[str, bytes]:
    """Return the companion of a file without manifest, by its name; none if it cannot be read."""
    weights = path.with_suffix(_WEIGHTS_SUFFIX)
    if kind not in _WITH_WEIGHTS_BESIDE:
        return {}
    try:
        return {weights.name: weights.read_bytes()}
    except OSError:
        return {}


def _check_hash(path: Path, payload: bytes, expected: str) -> None:
    if sha256_of(payload) != expected:
        raise HashMismatchError(
            f"{path} is not the file its manifest describes (its SHA-256 differs): "
            "it was damaged or replaced.",
            hint="Copy it again, or export it again.",
        )


def format_of(path: Path) -> Format:
    """Return the format that the suffix of a file without manifest names.

    Raises:
        ModelUnsupportedError: The suffix names no format that is known.
    """
    for each in Format:
        if path.suffix.lower() == each.suffix:
            return each
    known = ", ".join(each.suffix for each in Format)
    raise ModelUnsupportedError(
        f"{path} has no suffix that names a model format ({known}).",
        hint="Rename the file to end in its format.",
    )


def find_artifacts(folder: Path) -> tuple[Path, ...]:
    """Return the model files below `folder` that have a manifest, in order of their paths.

    Models that came with the project, and teachers, lie in folders of their own. Those are searched
    only when they are named, because a user has not just made what is in them.
    """
    return tuple(path for path in find_models(folder) if manifest_path(path).exists())


def find_models(folder: Path) -> tuple[Path, ...]:
    """Return the model files below `folder`, in order of their paths, with or without a manifest.

    What may be something else than a model counts only with its manifest, or, of OpenVINO and ncnn,
    with the file of its weights. Folders are left out as `find_artifacts` says. A manifest whose
    file is gone counts, so that the file is missed.
    """
    candidates = {path for each in Format for path in folder.rglob(f"*{each.suffix}")}
    candidates |= {path.with_suffix("") for path in folder.rglob("*.json")}
    found = []
    for path in candidates:
        folders = path.relative_to(folder).parts[:-1]
        hidden = any(part.startswith(".") for part in (*folders, path.name))
        if not hidden and not _SEARCHED_BY_NAME_ONLY & set(folders) and _is_model(path):
            found.append(path)
    return tuple(sorted(found))


def _is_model(path: Path) -> bool:
    kind = next((each for each in Format if each.suffix == path.suffix), None)
    if kind is None or path.is_dir():
        return False
    sure = {
        Format.NPZ: False,  # any arrays
        # Any XML, any parameters.
        **dict.fromkeys(_WITH_WEIGHTS_BESIDE, path.with_suffix(_WEIGHTS_SUFFIX).is_file()),
        Format.SAVED_MODEL: path.name == SAVED_MODEL_FILE,  # any frozen graph
    }
    return sure.get(kind, True) or manifest_path(path).is_file()

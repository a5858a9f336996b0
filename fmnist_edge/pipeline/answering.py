"""One model file on one runtime: its scores of all images, in this process."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import runtimes
from fmnist_edge.artifact import Artifact
from fmnist_edge.devices import CPU
from fmnist_edge.errors import ModelUnsupportedError, UsageError
from fmnist_edge.libraries.native_output import suppress_native_output
from fmnist_edge.pipeline.parity import runtime_for
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.result import Case, Subject
from fmnist_edge.session import (
    RuntimeModule,
    Scores,
    Session,
    SessionOptions,
    classify,
    is_image_classifier,
)

# Images per call for a file whose batch size is not fixed: few calls, and little memory.
_MANY: Final = 250
# Number of images after which the progress display is updated.
_STEP: Final = 500
_SCORES_AXES: Final = 2

# Raises an error about a session that cannot be used for what is asked.
Check = Callable[[Artifact, Session], None]


@dataclass(frozen=True)
class RunOptions:
    """What runs a model file, and how.

    Args:
        runtime: Name of the runtime; None for the first installed one that opens the file.
        threads: Number of threads that one inference may use.
        batch: Images per inference; None for the batch size of the file.
        device: The device that the runtime computes on.
    """

    runtime: str | None = None
    threads: int = 1
    batch: int | None = None
    device: str = CPU


@dataclass(frozen=True, eq=False)
class Answered:
    """The answers of a model file, and what made them.

    Args:
        scores: float32[N,...], as the file gives them; dequantized where it gives integers.
        case: The file, the runtime and its options.
        runtime_version: Version of the runtime's library.
        used: What the session reports to have used.
    """

    scores: Scores
    case: Case
    runtime_version: str
    used: Mapping[str, str]


def answer(  # noqa: PLR0913 - the last two are for the display and for the kind of model
    artifact: Artifact,
    options: RunOptions,
    images: NDArray[Any],
    progress: Progress = SILENT,
    *,
    label: str = "Classify",
    check: Check | None = None,
) -> Answered:
    """Run all images through a model file.

    Args:
        artifact: The file.
        options: What runs it.
        images: [N,...], what `Session.prepare` takes, such as uint8[N,28,28]; N at least 1.
        progress: Receives the progress.
        label: What the progress display calls it.
        check: Called with the opened session; `check_classifier` by default.

    Raises:
        DeviceUnavailableError: The device cannot be used.
        MissingDependencyError: The runtime is not installed.
        ModelUnreadableError: The file is damaged.
        ModelUnsupportedError: The file does not pass `check`, or does not take that batch size.
        UsageError: The runtime does not exist, or does not open such files.
    """
    name = runtime_name(artifact, options.runtime)
    runtime = runtimes.get(name)
    progress.say(f"Opening {artifact.path} on {name} ...")
    with suppress_native_output():
        version = runtime.load_library()
        session = _open(artifact, runtime, options, check or check_classifier)
        with closing(session):
            progress.start(f"{label} {artifact.path.name}", len(images))
            scores = _classify(session, images, progress)
            progress.finish()
            used = dict(session.used)
    case = Case(Subject.of(artifact), name, options.device, options.threads, session.batch)
    return Answered(scores, case, version, used)


def runtime_name(artifact: Artifact, named: str | None) -> str:
    """Return the name of the runtime to use.

    Raises:
        MissingDependencyError: No installed runtime opens the file.
        UsageError: The named runtime does not exist, or does not open such files.
    """
    if named is None:
        return runtime_for(artifact)
    runtimes.get(named)
    able = runtimes.reading(artifact.format)
    if named not in able:
        raise UsageError(
            f"{named} does not run {artifact.format} files.",
            hint=f"Runtimes that do: {', '.join(able)}.",
        )
    return named


def check_fashion_classifier(artifact: Artifact, session: Session) -> None:
    """Check that a file takes 28x28 pixels and gives ten scores.

    Raises:
        ModelUnsupportedError: It takes or gives something else.
    """
    if not is_image_classifier(session.input, session.output):
        raise ModelUnsupportedError(
            f"{artifact.path} is no Fashion-MNIST classifier: it takes "
            f"{_shape(session.input.shape)} and gives {_shape(session.output.shape)}.",
            hint="One takes images of 28x28 pixels and gives ten scores.",
        )


def check_classifier(artifact: Artifact, session: Session) -> None:
    """Check that a file gives one row of scores per item.

    Raises:
        ModelUnsupportedError: It gives something else.
    """
    if len(session.output.shape) != _SCORES_AXES:
        raise ModelUnsupportedError(
            f"{artifact.path} is no classifier: it gives {_shape(session.output.shape)}.",
            hint="A classifier gives one row of scores per image.",
        )


def _open(artifact: Artifact, runtime: RuntimeModule, options: RunOptions, check: Check) -> Session:
    """Open a session with the batch size of the options, or with that of the file."""
    manifest = artifact.manifest
    declared = manifest.input.shape[0] or _MANY if manifest else 1
    session = _session(artifact, runtime, options, options.batch or declared)
    own = session.input.shape[0] or _MANY
    if options.batch is None and session.batch != own:
        # The batch size of a file without manifest is known only once it is open.
        session.close()
        session = _session(artifact, runtime, options, own)
    try:
        check(artifact, session)
    except ModelUnsupportedError:
        session.close()
        raise
    return session


def _session(
    artifact: Artifact, runtime: RuntimeModule, options: RunOptions, batch: int
) -> Session:
    settings = SessionOptions(threads=options.threads, batch=batch, device=options.device)
    return runtime.open(artifact, settings)


def _shape(shape: tuple[int | None, ...]) -> str:
    return "[" + ",".join("N" if size is None else str(size) for size in shape) + "]"


def _classify(session: Session, images: NDArray[Any], progress: Progress) -> Scores:
    """Return the scores of all images, float32[N,...], and report the progress."""
    step = max(1, _STEP // session.batch) * session.batch
    parts = []
    for start in range(0, len(images), step):
        part = images[start : start + step]
        parts.append(classify(session, part))
        progress.advance(len(part))
    return np.concatenate(parts)

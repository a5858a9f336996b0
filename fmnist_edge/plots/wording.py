"""The text that several figures share."""

from fmnist_edge.evaluation import Evaluation


def subtitle(evaluation: Evaluation) -> str:
    """Return the subtitle of a figure: file, runtime, accuracy and number of images."""
    case = evaluation.case
    return (
        f"{case.subject.name} on {case.runtime}: {evaluation.accuracy:.2%} of "
        f"{evaluation.images:,} {evaluation.split} images labelled right"
    )

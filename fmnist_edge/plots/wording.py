"""What figures say in words."""

from fmnist_edge.evaluation import Evaluation


def about(evaluation: Evaluation) -> str:
    """What a figure is about, in a line: file, runtime, accuracy, images."""
    case = evaluation.case
    return (
        f"{case.subject.name} on {case.runtime}: {evaluation.accuracy:.2%} of "
        f"{evaluation.images:,} {evaluation.split} images labelled right"
    )

"""The exporters: a parent in, the bytes of one artifact out."""

from fmnist_edge.exporters.conversion import Conversion, Files, Stages
from fmnist_edge.exporters.parents.parent import Parent
from fmnist_edge.exporters.parents.readers import PARENTS, ParentModule, load_parent
from fmnist_edge.exporters.routes import ROUTES, Route, not_convertible, route_of, stages_of

__all__ = [
    "PARENTS",
    "ROUTES",
    "Conversion",
    "Files",
    "Parent",
    "ParentModule",
    "Route",
    "Stages",
    "load_parent",
    "not_convertible",
    "route_of",
    "stages_of",
]

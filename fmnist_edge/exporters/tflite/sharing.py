"""A flatbuffer builder that stores equal tables, vectors and strings once.

The offsets of a flatbuffer may point anywhere, so that two fields with the same contents may point
to one place. Readers of the format see no difference, and the file becomes smaller: shapes, zero
points, quantizations, options and empty buffers often repeat.
"""

from collections.abc import Callable
from typing import Any, Final

from fmnist_edge.optional import require

EXTRA: Final = "litert"

_ALIGNMENT: Final = 4  # of tables


def sharing_builder() -> Any:  # noqa: ANN401 - untyped
    """Return a `flatbuffers.Builder` for generated `Pack` methods.

    Raises:
        MissingDependencyError: flatbuffers, which comes with LiteRT, is not installed.
    """
    return _class_of(require("flatbuffers", extra=EXTRA).Builder)(0)


def _class_of(base: Any) -> Callable[[int], Any]:  # noqa: ANN401, C901 - untyped; one class
    """Return a subclass of `base` that overrides the methods that begin and end an object.

    An object that equals an earlier one is discarded: a builder writes from the end of the file to
    its beginning, so that the object is discarded by moving the builder's head back.
    """

    class SharingBuilder(base):  # type: ignore[misc] # the base is untyped
        vectorNumElems: int | None  # noqa: N815 - the base's

        def __init__(self, size: int) -> None:
            super().__init__(size)
            self.vectorNumElems = None
            self._known: dict[tuple[Any, ...], int] = {}
            self._parts: list[Any] = []  # of the table or the vector that is being written
            self._start = 0  # where it begins
            self._alignment = 0
            self._data = 0  # where a vector's elements end

        def StartObject(self, numfields: int) -> None:  # noqa: N802 - the names are flatbuffers'
            self._parts, self._start = [], self.Offset()
            # A gap inside of a table would give it a vtable of its own.
            self.Prep(_ALIGNMENT, 0)
            super().StartObject(numfields)

        def PrependSlot(self, flags: Any, o: int, x: Any, d: Any) -> None:  # noqa: ANN401, N802
            if x is not None and x != d:  # a default value is not stored
                self._parts.append((o, flags.__name__, x))
            super().PrependSlot(flags, o, x, d)

        def PrependUOffsetTRelativeSlot(self, o: int, x: int, d: int) -> None:  # noqa: N802
            if x != d:
                self._parts.append((o, "offset", x))
            super().PrependUOffsetTRelativeSlot(o, x, d)

        def EndObject(self) -> int:  # noqa: N802
            key = ("table", *self._parts)
            if key in self._known:
                self.current_vtable = None
                return self._discarded(key)
            return self._known.setdefault(key, super().EndObject())

        def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:  # noqa: N802, N803
            self._parts, self._start = [], self.Offset()
            self._alignment = max(alignment, 4)
            began: int = super().StartVector(elemSize, numElems, alignment)
            self._data = began
            return began

        def PrependUOffsetTRelative(self, off: int) -> None:  # noqa: N802
            if self.vectorNumElems is not None:
                self._parts.append(off)
            super().PrependUOffsetTRelative(off)

        def EndVector(self, numElems: int | None = None) -> int:  # noqa: ARG002, N802, N803
            # Offsets are relative to their place, so vectors of offsets are compared by target.
            written = bytes(self.Bytes[self.Head() : len(self.Bytes) - self._data])
            data = tuple(self._parts) or written
            key = ("vector", self.vectorNumElems, self._alignment, data)
            if key in self._known:
                self.vectorNumElems = None
                return self._discarded(key)
            return self._known.setdefault(key, super().EndVector())

        def CreateString(self, s: Any, *encoding: str) -> int:  # noqa: ANN401, N802
            key = ("string", s.encode(*encoding) if isinstance(s, str) else bytes(s))
            if key not in self._known:
                # The base class calls EndVector for a string, which reads these fields.
                self._parts, self._start, self._alignment = [key], self.Offset(), 0
                self._data = self._start
                self._known[key] = super().CreateString(s, *encoding)
            return self._known[key]

        def _discarded(self, key: tuple[Any, ...]) -> int:
            self.head = len(self.Bytes) - self._start
            self.nested = False
            return self._known[key]

    return SharingBuilder

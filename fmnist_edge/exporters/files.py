"""What an exporter hands back."""

from collections.abc import Mapping

__all__ = ["Files"]

# The files of one artifact, the main one first. The keys continue the artifact's name:
# ".tflite" alone; ".xml" and ".bin"; ".saved-model/saved_model.pb" and what lies beside it.
Files = Mapping[str, bytes]

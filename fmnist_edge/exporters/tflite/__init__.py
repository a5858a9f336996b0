"""What conversions to TFLite share: the flatbuffer, its quantizers, what it says of itself."""

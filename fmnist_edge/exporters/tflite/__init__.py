"""TFLite files: converters, quantizers, the compact flatbuffer, and layer outputs."""

"""The benchmark: plan -> worker processes -> samples -> statistics -> rows."""

"""Imports of heavy packages, set up so that they write nothing to screen and home folder."""

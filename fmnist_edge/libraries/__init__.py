"""Other packages that are imported in one way only, kept quiet and out of the home folder."""

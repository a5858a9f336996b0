"""What machine this is, and how it is doing."""

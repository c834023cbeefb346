"""Files that are whole or absent: the one place that writes under a temporary name and renames."""

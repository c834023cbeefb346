"""The reading study: readers say of pictures whether they are real, without knowing where they come from."""

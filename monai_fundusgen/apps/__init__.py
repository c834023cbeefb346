"""Programs with which people work: the reading study."""

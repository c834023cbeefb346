"""Programs with which people work: the reading study, and the reviewer of labels."""

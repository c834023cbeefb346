"""From a label with undecided pixels to two trees: contacts, stretches, evidence, painting."""

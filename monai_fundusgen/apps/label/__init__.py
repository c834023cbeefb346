"""MONAI Label: photographs labelled, labels corrected and put back, networks trained on them."""

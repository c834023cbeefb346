"""From a soft map to vessel paths: traced, fitted, joined, repaired."""

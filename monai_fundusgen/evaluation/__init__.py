"""A trained network looks at photographs: what it finds, and how that compares."""

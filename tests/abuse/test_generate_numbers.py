"""Numbers and words that the options of ``generate`` cannot be."""

CASES = [
    ("no samples", "generate -n 0 -o new", ["num_samples: found 0", "at least 1"]),
    ("fewer than none", "generate -n -2 -o new", ["num_samples: found -2", "at least 1"]),
    ("more than a hundred million", "generate -n 100000001 -o new", ["num_samples: found 100000001", "at most"]),
    ("a number that is a word", "generate -n many -o new", ["-n", "many"]),
    ("half a sample", "generate -n 1.5 -o new", ["-n", "1.5"]),
    ("a seed below zero", "generate -n 1 -o new --seed -1", ["seed: found -1", "at least 0"]),
]


def test_it_is_told(case, world):
    world.check(case)

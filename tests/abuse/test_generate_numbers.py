"""Numbers and words that the options of ``generate`` cannot be; into a new folder, which is not made."""

NEW = "generate -n 1 -o new"
NOT_WHOLE = ["abc", "1.5", "-1", "true", "[1]", "1e2"]

CASES = [
    ("no samples", "generate -n 0 -o new", ["num_samples: found 0", "at least 1"]),
    ("fewer than none", "generate -n -2 -o new", ["num_samples: found -2", "at least 1"]),
    ("more than a hundred million", "generate -n 100000001 -o new", ["num_samples: found 100000001", "at most"]),
    ("twenty digits", f"generate -n {10**20} -o new", ["num_samples: found 1000", "at most"]),
    ("a number that is a word", "generate -n many -o new", ["-n", "valid integer"]),
    ("half a sample", "generate -n 1.5 -o new", ["-n", "valid integer"]),
    ("no number", "generate -o new", ["Missing option", "-n"]),
    ("no folder", "generate -n 1", ["Missing option", "-o"]),
    ("a seed below zero", f"{NEW} --seed -1", ["seed: found -1", "at least 0"]),
    ("a seed that is a word", f"{NEW} --seed x", ["--seed", "valid integer"]),
    ("an unknown flag", f"{NEW} --sed 3", ["No such option", "--seed"]),
    ("an unknown verb", "generat -n 1 -o new", ["No such command", "generat"]),
    ("extended to a word", f"{NEW} --extend x", ["--extend", "valid integer"]),
    ("a part that is a number", f"{NEW} --part 3", ["--part: found '3'", "K/M"]),
    ("a part of three numbers", f"{NEW} --part 1/2/3", ["--part: found '1/2/3'", "K/M"]),
    ("a part beyond the last", f"{NEW} --part 2/2", ["part: found 2 of 2 parts", "0 to 1"]),
    ("a part of none", f"{NEW} --part 0/0", ["parts: found 0", "at least 1"]),
    ("a part below none", f"{NEW} --part -1/2", ["--part: found '-1/2'", "K/M"]),
    ("a part in words", f"{NEW} --part a/b", ["--part: found 'a/b'", "K/M"]),
    ("an engine of another name", f"{NEW} --engine dask", ["engine: found 'dask'", "local, torchrun, ray"]),
    ("no process", f"{NEW} --engine torchrun --processes 0", ["processes: found 0", "1 or more"]),
    ("fewer than no process", f"{NEW} --engine ray --processes -3", ["processes: found -3", "1 or more"]),
    ("an option without a value", f"{NEW} --option size", ["--option: found 'size'", "NAME=VALUE"]),
    ("an option without a name", f"{NEW} --option =3", ["--option: found '=3'", "NAME=VALUE"]),
    ("an option twice", f"{NEW} --option size=64 --option size=128", ["'size' twice", "leave one out"]),
    ("an unknown option", f"{NEW} --option colour=red", ["'colour'", "configs/inference.yaml"]),
    ("a misspelt option", f"{NEW} --option max_attempt=3", ["'max_attempt'", "max_attempts?"]),
    *[(f"size {one}", f"{NEW} --option size={one}", ["size: found", "whole number"]) for one in NOT_WHOLE],
    *[(f"size {one}", f"{NEW} --option size={one}", ["size: found", "GiB", "8192"]) for one in (8193, 20000, 10**9)],
    ("size nothing", f"{NEW} --option size=0", ["size: found 0", "at least 1"]),
    *[(f"batch {one}", f"{NEW} --batch-size {one}", ["batch_size: found", "at least 1"]) for one in (0, -1)],
    *[(f"shards {one}", f"{NEW} --shard-size {one}", ["shard_size: found", "0 for no shards"]) for one in (-1, -99)],
    *[
        (f"{name} {one}", f"{NEW} --option {name}={one}", [f"{name}: found", "at least 1"])
        for name in ("writers", "max_attempts", "map_batch") for one in ("0", "-1", "x", "2.5", "false")
    ],
    *[
        (f"{name} {one}", f"{NEW} --option {name}={one}", [f"{name}: found", "a number from"])
        for name in ("field_deg", "field_cut") for one in ("0", "-1", "x", "1000", ".nan", ".inf", "true", "[1]")
    ],
    *[
        (f"{name} {one}", f"{NEW} --option {name}={one}", [f"{name}: found", expected])
        for name, expected in (("laterality", "right or left or either"), ("autocast", "bfloat16"))
        for one in ("up", "3", "true", "[]")
    ],
    *[
        (f"{name} by option", f"{NEW} --option {name}=1", [f"--option {name}=1", "say it with --"])
        for name in ("output_dir", "num_samples", "bundle_root", "extend", "overwrite", "part", "parts", "quiet", "seed",
                     "mask_source", "photograph_source", "mask_folder", "style", "gate", "batch_size", "shard_size", "fit")
    ],
    *[
        (f"the run's own {name}", f"{NEW} --option {name}=1", [f"'{name}'", "keeps the run together", "maps"])
        for name in ("journal#root", "journal#overwrite", "lock#folder", "writer", "plan#seed", "dataset", "dataloader",
                     "evaluator", "session", "run", "initialize", "imports", "write#num_threads", "progress", "handlers")
    ],
    *[
        (f"nested {name}", f"{NEW} --option {name}=1", [f"'{name}'", "takes no"])
        for name in ("maps#sise", "maps#anatomy#finestlevel", "map_source#gat", "painter#stile", "maps#request#densty",
                     "inferer#precision", "maps#anatomy#cut#deep", "network#photo")
    ],
    *[
        (f"device {one}", f"{NEW} --option device={one}", ["device: found", "this machine has cpu"])
        for one in ("cuda", "cuda:7", "abacus", "cpu:x", "gpu")
    ],
    ("a device that computes nothing", f"{NEW} --option device=meta", ["device: found 'meta'", "say cpu"]),
    ("a device that is a number", f"{NEW} --option device=7", ["device: found 7", "expected a name"]),
    *[
        (f"{name} with a phantom", f"{NEW} --option {name}={one}", [name.removeprefix("target_"), "mask_source ddpm"])
        for name, one in (("target_density", "0.1"), ("target_avr", "0.7"))
    ],
    *[
        (f"{name} {one}", f"{NEW} --mask-source ddpm --option {name}={one}", [name.removeprefix("target_"), one.strip("[]").split(",")[0]])
        for name in ("target_density", "target_avr") for one in ("x", "-1", "[0.3,0.1]")
    ],
    *[
        (f"{flag} {one}", f"{NEW} --{flag} {one}", [flag.replace("-", "_"), f"'{one}'", "phantom"])
        for flag in ("mask-source", "photograph-source") for one in ("moon", "Phantom", "ddpm,phantom")
    ],
    ("fit without a folder", f"{NEW} --fit crop", ["fit: found 'crop'", "--mask-folder"]),
    ("another fit", f"{NEW} --fit stretch", ["fit: found 'stretch'", "pad or crop"]),
    ("a folder for a phantom", f"{NEW} --mask-folder set/labels", ["set/labels", "--fit"]),
    ("photographs of unknown eyes", f"{NEW} --mask-source folder --photograph-source phantom --mask-folder set/labels "
     "--option size=64", ["photograph_source: found 'phantom'", "cascade"]),
    ("a size that the cascade does not paint", f"{NEW} --photograph-source cascade --option size=64",
     ["size: found 64", "1024"]),
]  # fmt: skip


def test_it_is_told(case, world):
    world.check(case)

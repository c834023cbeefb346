"""Names are names: every text comes back from MONAI's configuration as it went in."""

import fire
import pytest
from monai.bundle import ConfigParser

from monai_fundusgen.weights.config_text import literal, quoted

NAMES = [
    "me@host#1", "$x", "%x", "@num_samples", "@", "#", "2024", "1e5", "a,b", "it's", 'say "eye"', "back\\slash",
    "tab\there", "@##up", "%#x", "é€", "$import os", "a b", "::x", "None", "[1]", "{a}", "a=b", "-1", "",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_parser_gives_the_name_back(name):
    parser = ConfigParser({"num_samples": 3, "folder": "x", "used": "$@folder + '/images'", "nested": [{"a": "b"}]})
    parser.update({"folder": literal(name), "nested": literal([{"a": name}])})
    assert parser.get_parsed_content("folder") == name
    assert parser.get_parsed_content("used") == name + "/images"
    assert parser.get_parsed_content("nested") == [{"a": name}]


@pytest.mark.parametrize("name", NAMES)
def test_a_command_line_of_monai_gives_the_name_back(name):
    told = fire.Fire(
        lambda folder: ConfigParser({"folder": folder}).get_parsed_content("folder"), ["--folder=" + quoted(name)]
    )
    assert told == name


@pytest.mark.parametrize("value", [3, 2.5, None, True, [0.06, 0.12], "plain/name.png"])
def test_other_values_pass(value):
    assert literal(value) == value

"""How the tracking script is made short."""

from __future__ import annotations

import re

import pytest

from footfall.tracker.minify import minify


def test_comments_blanks_and_line_ends_go() -> None:
    assert minify("// why\nfunction f() {\n  g(1);\n}\nf();\n") == "function f(){g(1)}f();"


def test_names_that_the_source_declares_become_short() -> None:
    source = """
      function joined(first, second) {
        var together = first.size + second;
        return [together].map(one => one + together).map((item, number) => item * number);
      }
    """
    made = minify(source)
    assert made.startswith("function ")
    assert not {"joined", "first", "together", "one", "item"} & set(_words(made))
    assert {"map", "size", "return"} <= set(_words(made))


@pytest.mark.parametrize(
    "use",
    [
        "thing.longName;",
        "({longName:1});",
        "({longName});",
        "({first,longName,last});",
        'say("no longName here");',
        "say('longName');",
        "say(`${longName}`);",
        'text.replace(/[/"]longName/g,1);',
        "function f(){return/longName'/.test(x)}",
    ],
)
def test_a_word_that_is_also_a_field_or_stands_in_a_text_stays_everywhere(use: str) -> None:
    source = f"var longName=1;{use}"
    assert minify(source) == source


def test_what_lies_outside_the_source_keeps_its_name() -> None:
    source = "fetch(window.name,navigator);if(history){f()}"
    assert minify(source) == source


def test_no_short_name_is_another_ones() -> None:
    made = minify("var longName=a,other=b(...longName);function otherName(){return c+A.d}")
    assert made == "var e=a,other=b(...e);function f(){return c+A.d}"


def test_there_are_short_names_for_a_large_source() -> None:
    declared = [f"longName{number}" for number in range(300)]
    made = _words(minify("".join(f"var {name}=0;" for name in declared)))
    assert len(set(made) - {"var", "0"}) == 300
    assert max(map(len, made)) == 3


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)

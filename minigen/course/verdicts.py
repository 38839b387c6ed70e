"""The 26 claims of the article that the course retells, what was measured of each, and the verdict (chapter 14).

The article: "Why diffusion models outperform auto-regressive models".
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from minigen.base.errors import check_choice
from minigen.course.measurements import stored
from minigen.zoo.pretrained import about


def claims(*names: str) -> dict[str, dict[str, Any]]:
    """What the article claims, in our words, with what was measured and the verdict: the claims named, or all.

    The sentences stand in claims.json. Their numbers do not: each says in which results (or beside which
    weights) it is to be found, and is taken from there; or which chapter prints it, and a test compares the two.
    ``rests_on`` are the comparisons that a verdict needs.

    Raises:
        ValueError: if there is no such claim; it names those that there are.
        LookupError: if a number is not where its sentence says.

    >>> claims("c25")["c25"]["numbers"]["noise_16"] < 10
    True
    """
    content: dict[str, Any] = json.loads((files("minigen.course") / "claims.json").read_text())
    told = {claim["id"]: claim for claim in content["claims"]}
    found = {}
    for name in names or told:
        claim = told[check_choice("name", name, told)]
        numbers = {key: _number(source) for key, source in claim["numbers"].items()}
        found[name] = {**claim, "numbers": numbers, "measured": claim["measured"].format(**numbers)}
    return found


def claims_table(*names: str) -> str:
    """The claims named, or all, as a table in Markdown: in our words, what was measured, the verdict.

    >>> print(claims_table("c23").splitlines()[0])
    | the claim, in our words | what we saw | verdict |
    """
    lines = ["| the claim, in our words | what we saw | verdict |", "|---|---|---|"]
    for name, claim in claims(*names).items():
        lines.append(f"| {claim['claim']} ({name}) | {claim['measured']} | {claim['verdict']} |")
    return "\n".join(lines)


def _number(source: dict[str, Any]) -> float:
    """A measured number: of the one row that ``source`` means, or as a page prints it; a ratio is first over second."""
    if "page" in source:  # the book does not come with the package
        return float(source["value"])
    if "ratio" in source:
        first, second = (_number(part) for part in source["ratio"])
        return first / second
    content: Any = about(source["weights"]) if "weights" in source else stored(source["results"])
    if "where" in source:
        rows = [row for row in content[source["part"]] if source["where"].items() <= row.items()]
        if len(rows) != 1:
            raise LookupError(f"{len(rows)} rows of {source['results']} have {source['where']}; allowed: one")
        content = rows[0]
    for key in source["take"].split("."):
        content = content[key]
    return content / source["over"] if "over" in source else content

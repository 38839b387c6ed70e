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

CHAPTERS = (
    "curve-fitting", "blurry-average", "missing-pixels", "auto-regression", "patches", "spreading", "diffusion",
    "few-steps", "one-network", "causal", "frontier", "prompts", "guidance", "future",
)  # fmt: skip
"""In the book's order: the first one is chapter 1."""


SHORT = {
    "c1": "All machine learning is curve fitting.",
    "c2": "Labelled examples teach it to label new pictures.",
    "c3": "Creating something new is curve fitting, too.",
    "c4": "A whole picture in one go is a blur.",
    "c5": "For it is the average of many right answers.",
    "c6": "For labels, an average is right.",
    "c7": "One missing pixel can be predicted.",
    "c8": "Many missing pixels can't.",
    "c9": "Auto-regression draws piece by piece.",
    "c10": "Hence there is no blur.",
    "c11": "It is slow: millions of predictions.",
    "c12": "Patches need fewer steps.",
    "c13": "Larger patches are worse.",
    "c14": "Noise spreads the removal.",
    "c15": "So separate predictions do less harm.",
    "c16": "A little noise blurs; much is pure noise.",
    "c17": "From pure noise, steps lead back to a picture.",
    "c18": "It takes hundreds of steps, not millions.",
    "c19": "One network for all steps: cheaper, a bit worse.",
    "c20": "Causal networks train on all steps at once.",
    "c21": "Predict the noise, not the less noisy picture.",
    "c22": "Trained with text, pictures match the text.",
    "c23": "Guidance runs the network twice.",
    "c24": "Subtracting keeps what the prompt adds.",
    "c25": "Diffusion is newer, faster, better, preferred.",
    "c26": "It is still curve fitting.",
}
"""The claims in a few words each, for the table of all."""


def claims(*names: str) -> dict[str, dict[str, Any]]:
    """What the article claims, in our words, with what was measured and the verdict: the claims named, or all.

    The sentences stand in claims.json. Their numbers do not: each says in which results (or beside which
    weights) it is to be found, and is taken from there; or which chapter prints it, and a test compares the two.
    ``rests_on`` are the comparisons that a verdict needs, and ``would_change`` says what could turn it.

    Raises:
        ValueError: if there is no such claim; it names those that there are.
        LookupError: if a number is not where its sentence says.

    >>> claims("c25")["c25"]["numbers"]["noise_16"] < 10
    True
    """
    content: dict[str, Any] = json.loads((files("minigen.course") / "claims.json").read_text(encoding="utf-8"))
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


def claims_overview() -> str:
    """All claims in one table in Markdown: in short, with our verdict; folded below, what was measured.

    On the site ``js/claims.js`` adds the reader's marks and filters by verdict (chapter 14).

    >>> print(claims_overview().splitlines()[2])
    | claim | in short | our verdict |
    """
    lines = ['<div class="mg-claims">', "", "| claim | in short | our verdict |", "|---|---|---|"]
    for name, claim in claims().items():
        chapter, number, place = claim["chapter"], name, "this chapter"
        if chapter != CHAPTERS[-1]:
            said = f"chapter {CHAPTERS.index(chapter) + 1}"
            number, place = f'[{name}]({chapter}.ipynb "{said}")', f"[{said}]({chapter}.ipynb)"
        whole = f"*The claim.* {claim['claim']}<br>*Measured in {place}.* {claim['measured']}"
        said = f"<br>*Elsewhere.* {claim['said']}" if claim["said"] else ""
        said += f"<br>*What would change the verdict.* {claim['would_change']}"
        more = f"<details><summary>what was measured</summary>{whole}{said}</details>"
        lines.append(f"| {number} | {SHORT[name]} | **{claim['mark']}**<br>{claim['verdict']} {more} |")
    return "\n".join([*lines, "", "</div>"])


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

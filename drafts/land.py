"""Move a chapter, its checks and its cases to where they belong: ``python drafts/land.py . prompts``."""

import re
import shutil
import sys
from pathlib import Path

root, name = Path(sys.argv[1]), sys.argv[2]

draft = root / f"drafts/checks_{name}.py"
text = draft.read_text()
checks = root / "minigen/checks.py"
whole = checks.read_text()
at = whole.index("# --- chapter 14")
checks.write_text(whole[:at] + text[text.index("# --- chapter") :].rstrip() + "\n\n\n" + whole[at:])
draft.unlink()

draft = root / f"drafts/test_checks_{name}.py"
text = draft.read_text()
helpers = text[text.index("# --- chapter") : text.index("\nCASES")].rstrip() + "\n\n\n"
found = re.search(r"CASES(?:: dict\[str, Case\])? = \{\n(.*?\n)\}\n", text, re.DOTALL)
assert found
tests = root / "tests/test_checks.py"
whole = tests.read_text()
at = whole.index("\nCASES = {\n") + 1
whole = whole[:at] + helpers + whole[at:]
end = whole.index("\n}\n", whole.index("\nCASES = {\n")) + 1
whole = whole[:end] + found[1] + whole[end:]
if "difflib." in helpers and "import difflib" not in whole:
    whole = whole.replace("import itertools\n", "import difflib\nimport itertools\n", 1)
tests.write_text(whole)
draft.unlink()

shutil.move(root / f"drafts/{name}.ipynb", root / f"book/{name}.ipynb")

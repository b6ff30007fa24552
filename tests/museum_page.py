"""The mistakes that the checks know, sorted by symptom: ``python tests/museum_page.py`` writes docs/museum.md anew."""

from pathlib import Path

from sofim_ref.testing.museum import EXHIBITS, HALLS, Symptom

PAGE = Path(__file__).parents[1] / "docs" / "museum.md"

CHECKS = {"fisher": "check_fisher", "curvature": "check_curvature", "optimizer": "check_optimizer"}

INTRODUCTION = """# Which mistake is it?

{fisher} wrong Fisher matrices, {curvature} wrong products and {optimizer} wrong optimizers, each in a few lines,
sorted by how they show. {reported} of them were reported in public, as owner/repository#number says; all are written
anew here. A test runs the check of `sofim_ref.testing` on each and compares what it says with what stands here.

The functions are in `sofim_ref.testing.museum`, in
{halls};
`EXHIBITS` has them by name, and `ask` asks the check. There `at` is a batch: its outputs `f`, probabilities `p`,
labels `y`, Jacobian `J` and the gradients of its examples `g`; `at.back(u)` are the gradients that follow from u in the
outputs, and `at.sandwich(H)` is the mean of JᵀHJ.

Made by `python tests/museum_page.py`, and compared by a test with the code.
"""


def page():
    """Return the page: every symptom, and below it every exhibit that has it."""
    counts = {check: sum(exhibit.check == check for exhibit in EXHIBITS.values()) for check in CHECKS}
    halls = ", ".join(f"`{module.__name__.rpartition('.')[2]}`" for module in HALLS.values())
    reported = sum(bool(exhibit.threads) for exhibit in EXHIBITS.values())
    parts = [INTRODUCTION.format(**counts, reported=reported, halls=halls)]
    for symptom in Symptom:
        exhibits = [exhibit for exhibit in EXHIBITS.values() if exhibit.symptom is symptom]
        if exhibits:
            parts += [f"## {symptom.value}\n", *map(entry, exhibits)]
    return "\n".join(parts)


def entry(exhibit):
    """Return what the page says of an exhibit."""
    told = f"`{CHECKS[exhibit.check]}` says: {said(exhibit)}."
    told += f" (Needs {exhibit.framework}.)" if exhibit.framework else ""
    return f"**{exhibit.mistake}** {exhibit.remark} {told}\n\n```python\n{exhibit.code}\n```\n"


def said(exhibit):
    """Return what the check must say of an exhibit, in words."""
    says = dict(exhibit.says)
    if exhibit.check == "optimizer":
        found = f"{exhibit.setting} departs in step {says['step']}"
        return f"{found}; this is what {says['explained']} gives" if says["explained"] else f"{found}, unexplained"
    if "error" in says:
        return f"“{says['error']}”"
    if exhibit.check == "fisher":
        matrix = says["matrix"] or "none of the matrices known"
        pieces = [f"{says['part']} of the" if says.get("part", "whole") != "whole" else "", matrix]
        pieces += [says.get("variant", ""), f"({says['transform']})" if "transform" in says else ""]
        text = " ".join(piece for piece in pieces if piece)
        text += " with a weight on each example" * (says.get("kind") == "weighted")
        text += f", times {says['scale_name']}" if says.get("scale_name") not in (None, "1") else ""
        text += ", by a factor without a name" if "scale_name" in says and says["scale_name"] is None else ""
        text += f", but {says['faults']}" if "faults" in says else ""
        text += f"; {says['notes'][-1].removesuffix('.')}" if "notes" in says else ""
        how = "with" if says.get("layout", "").startswith("channels") else "flattened"
        return text + (f", {how} {says['layout']}" if "layout" in says else "")
    told = [f"absent: {', '.join(says['missing'])}"] if "missing" in says else []
    told += [f"it is: {says['found']}"] if "found" in says else []
    told += [f"times {says['scale_name']}"] if "scale_name" in says else []
    told += [says["kind"]] if "kind" in says else []
    return f"{says['product']}, {'; '.join(told)}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

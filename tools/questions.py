"""The question bank of the course: read, checked, and written for print and for Moodle.

`python -m tools.questions` checks `course/questions.yml` and writes for each week of the syllabus
`questions.md`, `questions_with_answers.md` and `questions.xml` (Moodle XML, with feedback and
formulas) into `_build/course/week_N`. `write(week, folder)` does it for one week.
"""

import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from html import escape
from pathlib import Path

import yaml

from tools.exercises import ROOT, TEACHING

BANK, SYLLABUS = ROOT / "course" / "questions.yml", TEACHING / "syllabus.md"
PACK = ROOT / "_build" / "course"
WEEKS, A_WEEK, RESERVE = (1, 2, 3, 4), 12, 2
FIELDS = {"id", "week", "page", "question", "options"}
OPTION = {"text": str, "correct": bool, "feedback": str}
LETTERS = "ABCD"
MARKUP = re.compile(r"\$(?P<math>[^$]+)\$|`(?P<code>[^`]+)`|\*(?P<em>[^*\s][^*]*)\*")


# Read --------------------------------------------------------------------------------------------


def read(path=BANK):
    """All questions, in the order of the file; a ValueError names every one that is wrong."""
    bank = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    if not isinstance(bank, list) or not all(isinstance(entry, dict) for entry in bank):
        raise ValueError(f"{path} must be a list of questions, each with {', '.join(FIELDS)}")
    found = problems(bank)
    if found:
        raise ValueError("\n".join(found))
    return bank


def problems(bank):
    """What is wrong with single questions, as sentences that begin with the id."""
    found = []
    for number, entry in enumerate(bank, start=1):
        name = entry.get("id", f"question {number}")
        found += [f"{name}: {text}" for text in faults(entry)]
    ids = Counter(entry.get("id") for entry in bank)
    found += [f"{name}: {count} questions have this id" for name, count in ids.items() if count > 1]
    return found


def faults(entry):
    if set(entry) != FIELDS:
        wrong = ", ".join(sorted(set(entry) ^ FIELDS))
        return [f"the fields must be {', '.join(sorted(FIELDS))}; too many or missing: {wrong}"]
    found = []
    if entry["week"] not in WEEKS:
        found.append(f"week must be one of {WEEKS}, not {entry['week']!r}")
    elif not re.fullmatch(rf"w{entry['week']}(-[a-z0-9]+)+", str(entry["id"])):
        found.append(f"the id must be w{entry['week']}- and words with hyphens between them")
    if not (ROOT / str(entry["page"])).is_file():
        found.append(f"there is no page {entry['page']!r}")
    if not isinstance(entry["question"], str) or not entry["question"].strip():
        found.append("question must be a text")
    options = entry["options"]
    if not isinstance(options, list) or len(options) != len(LETTERS):
        return [*found, f"there must be {len(LETTERS)} options"]
    for letter, option in zip(LETTERS, options, strict=True):
        if not isinstance(option, dict) or set(option) != set(OPTION):
            found.append(f"option {letter} must have {', '.join(OPTION)}")
        elif any(
            not isinstance(option[key], kind) or option[key] == "" for key, kind in OPTION.items()
        ):
            found.append(f"option {letter}: text and feedback must be texts, correct true or false")
    if found:
        return found
    right = sum(option["correct"] for option in options)
    if right != 1:
        found.append(f"one option must be correct, not {right}")
    texts = [
        entry["question"],
        *(option[key] for option in options for key in ("text", "feedback")),
    ]
    if len({option["text"] for option in options}) < len(options):
        found.append("two options say the same")
    if any(re.search(r"\b(all|none|both|neither) of (the above|these)\b", text) for text in texts):
        found.append("options may be shuffled, so none may point at the others")
    found += [f"an odd number of $ in {text!r}" for text in texts if text.count("$") % 2]
    return found


def right(entry):
    """Place of the right option, from 0."""
    return [option["correct"] for option in entry["options"]].index(True)


# The weeks of the syllabus -----------------------------------------------------------------------


def pages_of_weeks(text=None):
    """By week: the pages of its sessions, and all that it links, those to read at home too."""
    text = SYLLABUS.read_text(encoding="utf-8") if text is None else text
    taught, linked = ({week: set() for week in WEEKS} for _ in range(2))
    for week, session in re.findall(r"^### Week (\d).*?\n(.*?)(?=^##|\Z)", text, re.M | re.S):
        line = re.search(r"^\*Pages?\.\*.*", session, re.M)
        taught[int(week)] |= links(line[0] if line else "")
        linked[int(week)] |= links(session)
    return taught, linked


def links(text):
    return {f"chapters/{path}" for path in re.findall(r"\]\(\.\./([^)#]+\.ipynb)", text)}


def gaps(bank, text=None):
    """Where the bank and the syllabus do not fit each other, as sentences."""
    taught, linked = pages_of_weeks(text)
    found = [
        f"{entry['id']}: week {entry['week']} of the syllabus does not link {entry['page']}"
        for entry in bank
        if entry["page"] not in linked[entry["week"]]
    ]
    for week in WEEKS:
        asked = [entry["page"] for entry in bank if entry["week"] == week]
        if len(asked) != A_WEEK:
            found.append(f"week {week} has {len(asked)} questions, not {A_WEEK}")
        found += [f"week {week} asks nothing on {page}" for page in sorted(taught[week] - {*asked})]
    return found


# For print ---------------------------------------------------------------------------------------


def printed(week, entries, answers=False):
    """The questions of a week as Markdown; with answers, why each option is right or wrong."""
    parts = [f"# Week {week}: questions{', with answers' if answers else ''}\n"]
    parts += [f"Ten to ask and {RESERVE} in reserve. One option of each is right.\n"]
    for number, entry in enumerate(entries, start=1):
        parts.append(f"**{number}.** {entry['question']}\n")
        for letter, option in zip(LETTERS, entry["options"], strict=True):
            line = f"- **{letter}** {option['text']}"
            if answers:
                line += f"  \n  *{'Right' if option['correct'] else 'Wrong'}:* {option['feedback']}"
            parts.append(line)
        if answers:
            parts.append(f"\nAnswer {LETTERS[right(entry)]} · `{entry['id']}` · {entry['page']}")
        parts.append("")
    return "\n".join(parts)


# For Moodle --------------------------------------------------------------------------------------


def html(text):
    """A line of Markdown as Moodle shows it: formulas between \\( and \\), code, emphasis."""

    def token(found):
        ((kind, inner),) = ((k, v) for k, v in found.groupdict().items() if v)
        return f"\\({inner}\\)" if kind == "math" else f"<{kind}>{inner}</{kind}>"

    return f"<p>{MARKUP.sub(token, escape(text, quote=False))}</p>"


def add(parent, tag, text, **attributes):
    element = ET.SubElement(parent, tag, attributes)
    ET.SubElement(element, "text").text = text
    return element


def moodle(week, entries):
    """The questions of a week as Moodle XML, given as text."""
    quiz = ET.Element("quiz")
    category = ET.SubElement(quiz, "question", type="category")
    add(category, "category", f"$course$/top/Multi-task and transfer learning/Week {week}")
    for entry in entries:
        question = ET.SubElement(quiz, "question", type="multichoice")
        add(question, "name", entry["id"])
        add(question, "questiontext", html(entry["question"]), format="html")
        add(question, "generalfeedback", html(f"Page: `{entry['page']}`"), format="html")
        settings = {"defaultgrade": "1", "penalty": "0.3333333", "single": "true"}
        settings |= {"shuffleanswers": "true", "answernumbering": "ABCD"}
        for tag, value in settings.items():
            ET.SubElement(question, tag).text = value
        for option in entry["options"]:
            fraction = "100" if option["correct"] else "0"
            answer = add(question, "answer", html(option["text"]), fraction=fraction, format="html")
            add(answer, "feedback", html(option["feedback"]), format="html")
    ET.indent(quiz)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(quiz, encoding="unicode") + "\n"


# Write -------------------------------------------------------------------------------------------


def write(week, folder):
    """Write the questions of one week into a folder; return the paths."""
    entries = [entry for entry in read() if entry["week"] == week]
    if not entries:
        raise ValueError(f"{BANK.name} has no questions for week {week!r}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "questions.md": printed(week, entries),
        "questions_with_answers.md": printed(week, entries, answers=True),
        "questions.xml": moodle(week, entries),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in texts]


def main():
    try:
        found = gaps(read())
    except ValueError as error:
        sys.exit(str(error))
    if found:
        sys.exit("\n".join(found))
    for week in WEEKS:
        for path in write(week, PACK / f"week_{week}"):
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()

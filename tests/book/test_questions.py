"""The question bank: questions are whole, pages are covered, nothing gives an answer away."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from html import unescape

import pytest

from tools import questions
from tools.questions import A_WEEK, LETTERS, WEEKS, faults, gaps, html, moodle, printed, right

PAGE = "chapters/code/schools.ipynb"
SYLLABUS = """## Four weeks

### Week 1, session 1: words

*Page.* [Schools](../code/schools.ipynb)

*Homework.* Read [this](../code/pupils.ipynb).

### Week 2, session 1: more
"""


def question(**changed):
    options = [
        {"text": f"$x = {n}$ & <b>", "correct": n == 2, "feedback": f"Since `a < {n}` *here*."}
        for n in range(4)
    ]
    whole = {"id": "w1-one", "week": 1, "page": PAGE, "question": "Which $x$?", "options": options}
    return whole | changed


def changed(place, **option):
    options = question()["options"]
    options[place] |= option
    return question(options=options)


# The bank ----------------------------------------------------------------------------------------


def test_bank_is_whole_and_fits_the_syllabus():
    assert gaps(questions.read()) == []


def test_places_of_right_options_are_even():
    places = Counter(map(right, questions.read()))
    expected = len(WEEKS) * A_WEEK / len(LETTERS)
    assert all(abs(places[k] - expected) <= expected / 3 for k in range(len(LETTERS)))


@pytest.mark.parametrize("extreme", [max, min])
def test_length_does_not_give_the_answer_away(extreme):
    """Neither the longest nor the shortest option is right too often."""
    bank, hits = questions.read(), 0
    for entry in bank:
        lengths = [len(option["text"]) for option in entry["options"]]
        hits += lengths.count(extreme(lengths)) == 1 and lengths[right(entry)] == extreme(lengths)
    assert hits <= 0.4 * len(bank)


def test_texts_are_short_and_end_as_sentences():
    for entry in questions.read():
        assert len(entry["question"].split()) <= 60, entry["id"]
        for option in entry["options"]:
            assert len(option["text"].split()) <= 18, entry["id"]
            assert re.search(r"[.!?]$", option["feedback"]), entry["id"]
            assert not re.search(r"[.!?]$", option["text"]), entry["id"]


# The checks themselves ---------------------------------------------------------------------------


def test_a_whole_question_passes():
    assert faults(question()) == []


@pytest.mark.parametrize(
    "bad, problem",
    [
        ({"id": "w1-one"}, "the fields must be"),
        (question(extra=1), "too many or missing: extra"),
        (question(week=5), "week must be one of"),
        (question(id="w2-one"), "the id must be w1-"),
        (question(page="chapters/no.ipynb"), "there is no page"),
        (question(question=""), "question must be a text"),
        (question(options=[]), "there must be 4 options"),
        (changed(0, why="x"), "option A must have"),
        (changed(1, correct="no"), "option B: text"),
        (changed(3, feedback=""), "option D: text"),
        (changed(0, correct=True), "one option must be correct, not 2"),
        (changed(2, correct=False), "one option must be correct, not 0"),
        (changed(0, text="$x = 1$ & <b>"), "two options say the same"),
        (changed(0, text="all of the above"), "none may point at the others"),
        (changed(0, text="costs $5"), "an odd number of $"),
    ],
)
def test_a_bad_question_is_found(bad, problem):
    assert any(problem in text for text in faults(bad))


def test_problems_name_the_id(tmp_path):
    bank = [question(week=7), question(), question()]
    assert questions.problems(bank)[0].startswith("w1-one: week must be")
    assert questions.problems(bank)[-1] == "w1-one: 3 questions have this id"
    path = tmp_path / "bank.yml"
    path.write_text("- id: w1-half\n  week: 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="w1-half: the fields must be"):
        questions.read(path)


def test_gaps_between_bank_and_syllabus_are_found():
    found = gaps([question(), question(page="chapters/code/pupils.ipynb")], SYLLABUS)
    assert found[0] == "week 1 has 2 questions, not 12"  # pages to read at home may be asked
    found = gaps([question(page="chapters/code/pupils.ipynb", week=2)], SYLLABUS)
    assert found[0].endswith("week 2 of the syllabus does not link chapters/code/pupils.ipynb")
    assert f"week 1 asks nothing on {PAGE}" in found


# What is written ---------------------------------------------------------------------------------


def read_back(text):
    """Questions of a Moodle XML text, with formulas and code as the bank writes them."""

    def plain(element):
        text = re.fullmatch("<p>(.*)</p>", element.findtext("text"))[1]
        text = re.sub(r"\\\((.*?)\\\)", r"$\1$", text)
        text = re.sub("</?code>", "`", text)
        return unescape(re.sub("</?em>", "*", text))

    for found in ET.fromstring(text.encode()).iterfind("question[@type='multichoice']"):
        options = [
            {
                "text": plain(answer),
                "correct": answer.get("fraction") == "100",
                "feedback": plain(answer.find("feedback")),
            }
            for answer in found.iterfind("answer")
        ]
        yield found.findtext("name/text"), plain(found.find("questiontext")), options


@pytest.mark.parametrize("bank", [questions.read(), [question()]], ids=["bank", "awkward signs"])
def test_moodle_gives_back_what_was_written(bank):
    found = list(read_back(moodle(1, bank)))
    assert found == [(entry["id"], entry["question"], entry["options"]) for entry in bank]


def test_formulas_and_signs_are_escaped_for_html():
    made = html("If $a < b$ & `x_1 < 2`, *not* 2 * 3")
    expected = r"If \(a &lt; b\) &amp; <code>x_1 &lt; 2</code>, <em>not</em> 2 * 3"
    assert made == f"<p>{expected}</p>"


def test_a_week_is_written_with_and_without_answers(tmp_path):
    plain, answered, xml = questions.write(3, tmp_path / "week_3")
    entries = [entry for entry in questions.read() if entry["week"] == 3]
    students, teachers = (path.read_text(encoding="utf-8") for path in (plain, answered))
    assert len(list(read_back(xml.read_text(encoding="utf-8")))) == A_WEEK
    for entry in entries:
        assert entry["question"] in students
        for option in entry["options"]:
            assert option["text"] in students and option["feedback"] in teachers
            assert option["feedback"] not in students
    assert "right" not in printed(3, [question()]).lower().replace("option of each is right", "")
    letters = re.findall(r"^Answer ([A-D]) · `(.+?)`", teachers, re.M)
    assert letters == [(LETTERS[right(entry)], entry["id"]) for entry in entries]


def test_an_unknown_week_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no questions for week 9"):
        questions.write(9, tmp_path)

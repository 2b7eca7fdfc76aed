"""A dial is one drawing in which each stop is there, and a picture where no HTML is shown."""

from xml.etree import ElementTree

import pytest

plt = pytest.importorskip("matplotlib.pyplot", reason="needs: pip install 'mtlkit[plot]'")

from mtlkit.plotting import Dial, use_style  # noqa: E402


def dial(stops=3, **changed):
    use_style()
    fig, ax = plt.subplots()
    ax.plot([0, 2], [0, 2])
    (dot,) = ax.plot([0], [0], "o")
    text = ax.text(0, 1, "")

    def turn(value):
        dot.set_data([value], [value])
        text.set_text(f"at {value}")

    settings = {"label": "a < b", "alt": "A dot on a line.", **changed}
    return Dial(fig, turn, {f"x = {k}": k for k in range(stops)}, **settings)


def parsed(shown):
    return ElementTree.fromstring(shown._repr_html_())


def test_each_stop_has_a_button_and_what_differs():
    page = parsed(dial())
    buttons = page.findall(".//input")
    assert [button.get("value") for button in buttons] == ["0", "1", "2"]
    assert [button.get("type") for button in buttons] == ["radio"] * 3
    assert len({button.get("name") for button in buttons}) == 1
    for k in range(3):
        parts = [part for part in page.iter() if part.get("class") == f"stop stop-{k}"]
        text = "".join("".join(part.itertext()) for part in parts)
        assert f"at {k}" in text and f"at {(k + 1) % 3}" not in text


def test_what_no_stop_changes_is_drawn_once():
    few, many = (len(dial(stops=stops)._repr_html_()) for stops in (2, 10))
    assert (many - few) / 8 < 0.3 * few  # a stop is a dot, a text and a rule of style


@pytest.mark.parametrize("start", [0, 2])
def test_the_dial_stands_at_its_start(start):
    checked = [
        b.get("value") for b in parsed(dial(start=start)).iter("input") if "checked" in b.attrib
    ]
    assert checked == [str(start)]


def test_the_picture_is_that_of_the_start():
    assert dial(start=1)._repr_png_() == dial(start=1)._repr_png_() != dial(start=2)._repr_png_()
    assert dial()._repr_png_().startswith(b"\x89PNG")


def test_two_dials_of_a_page_do_not_turn_each_other():
    one, other = parsed(dial()), parsed(dial(alt="Another dot."))
    assert one.get("id") != other.get("id")
    assert one.get("id") == parsed(dial()).get("id")


def test_it_is_read_without_eyes_and_runs_no_script():
    page = parsed(dial())
    assert page.find(".//{*}svg").get("aria-label") == "A dot on a line."
    assert page.find(".//legend").text == "a < b"
    assert (
        not list(page.iter("script"))
        and repr(dial()) == "Dial('a < b', ['x = 0', 'x = 1', 'x = 2'])"
    )


def test_no_figure_is_left_open():
    dial()
    assert plt.get_fignums() == []


def test_what_is_no_dial_is_named():
    with pytest.raises(ValueError, match=r"two stops or more, not \['x = 0'\]"):
        dial(stops=1)
    with pytest.raises(ValueError, match=r"start must be a position from 0 to 2, not 3"):
        dial(start=3)

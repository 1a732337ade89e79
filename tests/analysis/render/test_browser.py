"""The page in a real browser, from a file: it sorts, filters, tells, turns dark, prints and follows a sweep."""

import base64

import pytest

from analysis import figures
from analysis.document import Figures, Folded, Picture, Section, Table, TableCell, printed, text
from analysis.figures.canvas import tell
from analysis.render.html import page

ROWS = 100


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Return the address of a page with a long table, a folded one and a figure that tells its point."""
    rows = [[TableCell(f"net {i}"), TableCell("—" if i == 5 else f"{-i if i % 2 else i:,}".replace("-", "−"))]
            for i in range(1000, 1000 + ROWS)]  # fmt: skip
    rows[0] = [TableCell("net none"), TableCell("—")]
    long = Table(["network", "points"], rows, narrow=["points"], anchors=[f"net-{i}" for i in range(ROWS)])

    def draw(ax):
        ax.plot([1, 2], [3, 4])
        return tell(ax, [(1, 3, "first: 3")])

    picture = Picture("line.png", "a line", *figures.drawn(draw, 4, 3))
    folded = Folded(text("More"), [printed(["x"], [[str(i)] for i in range(4)])])
    parts = [
        Section("Numbers", 2, [long, folded], anchor="numbers", listed="Numbers"),
        Section("Picture", 2, [Figures([picture], "wide")], anchor="picture", listed="Picture"),
    ]
    document = Section("Title", 1, parts, anchor="head", listed="Top")
    folder = tmp_path_factory.mktemp("page")
    (folder / "page.html").write_text(page(document))
    (folder / "again.html").write_text(page(document, again=1))
    return (folder / "page.html").as_uri()


@pytest.fixture
def opened(browser, address):
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "light"}]}
    )
    browser.get("about:blank")
    browser.get(address)
    browser.execute_script("localStorage.clear(); sessionStorage.clear()")
    yield browser
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def shown(browser, column=0, table="#numbers-table"):
    rows = "[...document.querySelectorAll(arguments[0])].filter(row => !row.hidden)"
    return browser.execute_script(
        f"return {rows}.map(row => row.cells[arguments[1]].innerText)", f"{table} tbody tr", column
    )


def press(browser, selector, nth=0):
    """Press a button as a keyboard does."""
    browser.execute_script("document.querySelectorAll(arguments[0])[arguments[1]].focus()", selector, nth)
    browser.switch_to.active_element.send_keys("\n")


def test_a_header_sorts_its_column_by_number_and_again_the_other_way(opened):
    press(opened, "#numbers-table button.sort", 1)
    assert shown(opened, 1)[0] == "−1,099"
    header = "return document.querySelectorAll('#numbers-table th')[1].getAttribute('aria-sort')"
    assert opened.execute_script(header) == "ascending"
    press(opened, "#numbers-table button.sort", 1)
    assert shown(opened, 1)[0] == "1,098"
    assert opened.execute_script(header) == "descending"
    press(opened, "button.more")
    assert shown(opened, 1)[-1] == "—"  # what is missing comes last, whichever way


def test_a_long_table_begins_with_its_first_rows_and_a_filter_finds_in_all(opened):
    assert len(shown(opened)) == 60
    field = opened.find_element("css selector", "input[type=search]")
    field.send_keys("NET 1099")
    assert shown(opened) == ["net 1099"]
    assert opened.find_element("css selector", ".count").text == f"1 of {ROWS} rows"
    field.clear()
    field.send_keys("x")
    assert shown(opened) == []


def test_a_link_to_a_row_opens_what_hides_it(opened):
    opened.execute_script("location.hash = '#net-99'")
    target = "return document.querySelector('#net-99').getBoundingClientRect().top"
    assert 0 < opened.execute_script(target) < opened.execute_script("return innerHeight")
    opened.execute_script("location.hash = '#numbers-table-2-row-3'")
    assert opened.execute_script("return document.querySelector('details').open")


def test_a_point_of_a_figure_tells_its_value(opened):
    from selenium.webdriver import ActionChains

    point = opened.find_element("css selector", ".told")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", point)
    ActionChains(opened).move_to_element(point).perform()
    assert opened.find_element("css selector", "#tip").text == "first: 3"
    assert opened.execute_script("return document.querySelector('figure svg').getAttribute('aria-label')") == "a line"


def test_the_page_is_dark_where_the_system_is_or_the_reader_wants_it_and_stays_so(opened):
    background = "return getComputedStyle(document.body).backgroundColor"
    light = opened.execute_script(background)
    press(opened, "#theme")
    dark = opened.execute_script(background)
    assert light == "rgb(255, 255, 255)" != dark
    opened.refresh()
    assert opened.execute_script(background) == dark
    opened.execute_script("localStorage.clear()")
    dark_system = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", dark_system)
    opened.refresh()
    assert opened.execute_script(background) == dark


def test_on_a_phone_columns_are_left_out_until_they_are_asked_for_and_the_contents_open(opened):
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": False}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    width = "return document.querySelectorAll('#numbers-table th')[1].offsetWidth"
    assert opened.execute_script(width) == 0
    press(opened, "button.columns")
    assert opened.execute_script(width) > 0
    assert not opened.find_element("css selector", "nav").is_displayed()
    press(opened, "#contents")
    assert opened.find_element("css selector", "nav").is_displayed()
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_print_has_the_contents_all_rows_and_a_new_page_for_each_part(opened):
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    opened.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert len(shown(opened)) == ROWS
    assert opened.find_element("css selector", "nav").is_displayed()
    assert not opened.find_element("css selector", "#theme").is_displayed()
    assert opened.execute_script("return getComputedStyle(document.querySelector('h2')).breakBefore") == "page"
    top = "return document.querySelector(arguments[0]).getBoundingClientRect().top"
    assert opened.execute_script(top, "nav") < opened.execute_script(top, "h1")
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    made = base64.b64decode(opened.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert made.count(b"/Type /Page\n") + made.count(b"/Type /Page ") > 2


def test_a_page_of_a_running_sweep_loads_itself_and_stays_where_the_reader_is(browser, address):
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(address.replace("page.html", "again.html"))
    press(browser, "#numbers-table button.sort", 1)
    browser.execute_script("document.querySelector('details').open = true; scrollTo(0, 500); window.old = true")
    WebDriverWait(browser, 30).until(
        lambda page: page.execute_script("return document.readyState === 'complete' && !window.old")
    )
    assert shown(browser, 1)[0] == "−1,099"
    assert browser.execute_script("return document.querySelector('details').open")
    assert abs(browser.execute_script("return scrollY") - 500) < 60
    browser.get("about:blank")

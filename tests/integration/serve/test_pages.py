"""The pages in a real browser: a newcomer finds which words of a sentence changed most."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from actstore.query.measures import cosine
from actstore.schema.tables import RESULTS
from actstore.session import Store
from actstore.store.results import ResultWriter
from tests.support.browser import browser, needs_browser
from tests.support.pieces import with_pieces
from tests.support.served import TOKEN, engine, http_address
from tests.support.small_store import SmallStore, prepare

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="40" height="30"/></svg>'
AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}
PAGES = ["/", "/explore", "/explore?example=3&position=2&unit=token&layer=1", "/results", "/sql", "/docs"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallStore:
    """Two checkpoints, words of several tokens, and one result; only read."""
    folder: Path = tmp_path_factory.mktemp("pages") / "store"
    made = with_pieces(prepare(folder, n_examples=30, checkpoints=("base", "tuned")))
    made.extract()
    result = ResultWriter(made.objects, "similarity", "figure2", "0123456789abcdef0123")
    result.put_file("figure2-rsa.svg", SVG)
    row = dict.fromkeys(RESULTS["similarity"].names) | {"name": "figure2", "measure": "rsa", "value": 0.5}
    table = RESULTS["similarity"].empty_table().from_pylist([row], schema=RESULTS["similarity"])
    result.finish(table, {"study": "small.toml", "finished": "2026-01-02T03:04:05"})
    return made


@pytest.fixture(scope="module")
def address(small: SmallStore) -> Iterator[str]:
    """Without a token: a browser would ask for it."""
    with http_address(engine(small.objects), token=None) as served:
        yield served


@pytest.fixture(scope="module", params=[(1280, 900), (390, 844)], ids=["wide", "phone"])
def window(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[webdriver.Chrome]:
    with browser(tmp_path_factory.mktemp("profile"), *request.param) as opened:
        yield opened


def most_changed(small: SmallStore, example: int, layer: int) -> str:
    """The word that moved most, from the store alone."""
    store = Store(small.objects)
    asked: dict[str, Any] = {"layers": [layer], "where": f"example = {example}", "unit": "word"}
    both = [store.query(name, "small", **asked).read_all() for name in ("base", "tuned")]
    values = [np.array(table["activation"].to_pylist(), np.float64) for table in both]
    return str(both[0]["text"][int(np.argmin(cosine(*values)))].as_py())


def errors_of(window: webdriver.Chrome) -> list[str]:
    return [entry["message"] for entry in window.get_log("browser") if entry["level"] == "SEVERE"]


@needs_browser
@pytest.mark.slow
def test_every_page_fits_and_loads_nothing_from_elsewhere(window: webdriver.Chrome, address: str) -> None:
    for path in PAGES:
        window.get(address + path)
        assert window.find_element(By.TAG_NAME, "h1").text
        wide, inner = window.execute_script(
            "return [document.documentElement.scrollWidth, window.innerWidth]"
        )
        assert wide <= inner, f"{path}: {wide} pixels wide in a window of {inner}"
        loaded = window.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
        assert all(name.startswith(address) for name in loaded), loaded
        assert not errors_of(window), path


def test_a_run_is_shown_below_its_own_tokenisation(address: str) -> None:
    """The corpus was split twice, and the two runs are of the second."""
    shown = httpx.get(address).text
    assert "2 checkpoints, 1 corpora, 2 runs" in shown
    assert (shown.count('<td class="complete">'), shown.count('<td class="missing">')) == (2, 2)


@needs_browser
@pytest.mark.slow
def test_a_newcomer_finds_the_words_that_changed_most(
    window: webdriver.Chrome, address: str, small: SmallStore
) -> None:
    window.get(address)
    window.find_element(By.LINK_TEXT, "See what changed in a sentence").click()
    number = window.find_element(By.NAME, "example")
    number.clear()
    number.send_keys("4", Keys.ENTER)
    WebDriverWait(window, 10).until(lambda opened: "example=4" in opened.current_url)
    told = window.find_element(By.XPATH, "//p[strong[contains(., 'Changed most at layer 2')]]")
    word = told.find_element(By.TAG_NAME, "a")
    assert word.text == most_changed(small, 4, 2)
    word.click()
    sides = window.find_elements(By.CSS_SELECTOR, ".sides caption")
    assert [side.text for side in sides] == ["in base", "in tuned"]
    assert window.find_elements(By.CSS_SELECTOR, ".chart svg path"), "the chart is not drawn"
    window.find_element(By.CSS_SELECTOR, ".map thead a").click()
    assert window.find_element(By.XPATH, "//strong[contains(., 'Changed most at layer 0')]")


@needs_browser
@pytest.mark.slow
def test_by_keyboard_alone(window: webdriver.Chrome, address: str) -> None:
    window.get(f"{address}/explore?example=3")
    body = window.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    assert window.switch_to.active_element.text == "Skip to the content"
    for _ in range(60):
        window.switch_to.active_element.send_keys(Keys.TAB)
        here = window.switch_to.active_element
        if "position=" in (here.get_attribute("href") or ""):
            break
    here.send_keys(Keys.ENTER)
    assert window.find_elements(By.CSS_SELECTOR, ".sides table")


@needs_browser
@pytest.mark.slow
def test_sql_in_the_browser(window: webdriver.Chrome, address: str) -> None:
    window.get(f"{address}/sql")
    window.find_element(By.ID, "statement").send_keys(
        "SELECT upos, count(*) n FROM words GROUP BY 1 ORDER BY 1"
    )
    window.find_element(By.XPATH, "//button[text()='Ask']").click()
    assert window.find_element(By.CSS_SELECTOR, "tbody td").text == "ADJ"
    csv = window.find_element(By.LINK_TEXT, "CSV").get_attribute("href")
    assert httpx.get(csv or "").text.splitlines()[0] == '"upos","n"'
    window.get(f"{address}/sql?statement=SELECT+*+FROM+read_csv('/etc/passwd')")
    assert "Cannot access file" in window.find_element(By.CSS_SELECTOR, "[role=alert]").text


@needs_browser
@pytest.mark.slow
def test_results_with_their_figures(window: webdriver.Chrome, address: str) -> None:
    window.get(f"{address}/results")
    window.find_element(By.LINK_TEXT, "figure2").click()
    picture = window.find_element(By.CSS_SELECTOR, "figure img")
    assert window.execute_script("return arguments[0].naturalWidth", picture) == 40
    assert "small.toml" in window.page_source


@pytest.mark.parametrize("path", PAGES)
def test_pages_want_the_token(small: SmallStore, path: str) -> None:
    with http_address(engine(small.objects)) as served:
        assert httpx.get(served + path).status_code == 401
        shown = httpx.get(served + path, auth=("anyone", TOKEN))
        assert shown.status_code == 200
        assert "default-src 'none'" in shown.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/results/similarity/figure2/0123456789abcdef0123/provenance.json",
        "/results/similarity/figure2/0123456789abcdef0123/..%2f..%2f..%2f..%2factstore.json",
        "/results/similarity/figure2/..%2f..%2fx/figure2-rsa.svg",
        "/results/..%2f..%2fmanifests/a/b/c.svg",
        "/static/..%2f..%2fsite.py",
        "/static/site.py",
    ],
)
def test_only_figures_are_given_out(address: str, path: str) -> None:
    assert httpx.get(address + path).status_code == 404


def test_what_is_stored_is_never_a_script(tmp_path: Path) -> None:
    """Texts come from anywhere: they are shown, not run; in the chart's description too."""
    evil = '</script><script>alert("x")</script>'
    made = prepare(tmp_path / "store", n_examples=6, checkpoints=("base", "tuned"), first_word=evil)
    made.extract()
    with http_address(engine(made.objects), token=None) as served:
        shown = httpx.get(f"{served}/sql", params={"statement": f"SELECT '{evil}' AS \"{evil}\""}).text
        assert evil not in shown
        assert "&lt;script&gt;" in shown
        explored = httpx.get(f"{served}/explore?example=0&unit=word&layer=1&position=0").text
        assert "&lt;script&gt;alert" in explored
        assert "\\u003cscript>alert" in explored, "the chart names the word"
        for page in (explored, httpx.get(f"{served}/explore", params={"find": evil}).text):
            assert "<script>alert" not in page


@pytest.mark.parametrize(
    "query", ["example=9999", "corpus=none", "a=none&b=base", "layer=77", "position=999", "unit=x"]
)
def test_the_explorer_under_odd_addresses(address: str, query: str) -> None:
    assert httpx.get(f"{address}/explore?{query}").status_code in (200, 404)


def test_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    made = prepare(tmp_path / "store", n_examples=6)
    with http_address(engine(made.objects), token=None) as served:
        for path in PAGES:
            assert httpx.get(served + path).status_code in (200, 404), path
        assert "There are none yet" in httpx.get(f"{served}/explore").text

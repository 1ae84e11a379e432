"""The page of a result in a real browser: by pointer, by keyboard, on a phone, in the dark, on paper."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from sample_runs import (
    EVERY_RUN,
    STAGES,
    clean_run,
    hostile_run,
    known_run,
    native_run,
    pydantic_run,
    samples_of,
    threads_run,
)

from pytest_reqleak.model.meter import Meter, Phase
from pytest_reqleak.report.wording import reading_text


def find(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def find_all(browser: Any, selector: str) -> list[Any]:
    return list(browser.find_elements("css selector", selector))


def press(browser: Any, *keys: str) -> None:
    from selenium.webdriver.common.keys import Keys

    for key in keys:
        browser.switch_to.active_element.send_keys(getattr(Keys, key))


def focus(browser: Any, element: Any) -> None:
    browser.execute_script("arguments[0].focus()", element)


def session(count: int = 6) -> list[Any]:
    makers = [clean_run, pydantic_run, known_run, native_run, threads_run, clean_run]
    return [
        replace(makers[n % 6](), test=f"tests/test_shop.py::test_{n:03}", requests=(), target="shop.main:app")
        for n in range(count)
    ]


def shown_rows(browser: Any) -> list[str]:
    rows = "[...document.querySelectorAll('.list tbody tr')].filter((row) => row.checkVisibility())"
    return list(browser.execute_script(f"return {rows}.map((row) => row.dataset.run)"))


def test_the_pointer_finds_the_exact_reading(show):
    from selenium.webdriver.common.action_chains import ActionChains

    run = pydantic_run()
    browser = show([run])
    area = find(browser, ".area[data-label='heap bytes']")
    right, width = run.samples.iterations[-1], area.size["width"]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", area)

    # A third of the way, counted from the middle as the driver does.
    ActionChains(browser).move_to_element_with_offset(area, int(-width / 6), 0).perform()

    told = find(browser, ".reading").text
    shown = int(re.match(r"request ([\d,]+) \(measurement\): ", told)[1].replace(",", ""))  # type: ignore[index]
    assert abs(shown - right / 3) <= 20 + right / width
    place = run.samples.iterations.index(shown)
    reading = run.samples[Meter.HEAP_BYTES][place]
    first = run.samples.only(Phase.MEASURE)[Meter.HEAP_BYTES][0]
    assert told.endswith(
        f"{reading_text(Meter.HEAP_BYTES, reading)} (+{reading_text(Meter.HEAP_BYTES, reading - first)})"
    )


def test_the_keyboard_walks_through_the_readings(show):
    run = pydantic_run()
    browser = show([run])
    area = find(browser, ".area")
    done, blocks = run.samples.iterations, run.samples[Meter.LIVE_BLOCKS]

    def told() -> str:
        text = find(browser, ".reading").text
        assert text == area.get_attribute("aria-valuetext")
        return str(text)

    focus(browser, area)
    assert told().startswith(f"request {done[0]} (warm-up): {blocks[0]:,} (-")
    press(browser, "ARROW_RIGHT", "ARROW_RIGHT", "ARROW_LEFT")
    assert told().startswith(f"request {done[1]} (warm-up): {blocks[1]:,} ")
    press(browser, "END")
    assert told().startswith(f"request {done[-1]:,} (confirmation): {blocks[-1]:,} (+")
    press(browser, "ARROW_RIGHT")
    assert str(done[-1]) == area.get_attribute("aria-valuenow") == area.get_attribute("aria-valuemax")
    press(browser, "HOME", "TAB")
    assert not find(browser, ".reading").is_displayed()


@pytest.mark.parametrize("name", EVERY_RUN)
@pytest.mark.parametrize("width", [320, 360, 1000])
def test_no_page_is_wider_than_its_window(show, name, width):
    browser = show([EVERY_RUN[name](), clean_run()], width=width)
    browser.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")

    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    beyond = (
        "[...document.querySelectorAll('main *')].filter((each) => !each.closest('svg, .icicle') &&"
        " each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML.slice(0, 90))"
    )
    assert (False, []) == (
        browser.execute_script(f"return {wide}"),
        browser.execute_script(f"return {beyond}"),
    )


def test_names_of_the_app_run_no_script_and_load_nothing(show):
    browser = show([hostile_run(), clean_run()])

    assert 1 == len(find_all(browser, "script"))
    assert 0 == browser.execute_script("return performance.getEntriesByType('resource').length")
    assert "<script>alert(1)</script>" in find(browser, "h2 ~ p").text


def test_a_script_that_came_from_elsewhere_would_not_run(show):
    browser = show([clean_run()])

    browser.execute_script(
        "const alien = document.createElement('script'); alien.textContent = 'window.owned = 1';"
        "document.body.append(alien);"
    )

    assert None is browser.execute_script("return window.owned")
    refused = browser.get_log("browser")
    assert 1 == len(refused)
    assert "Content Security Policy" in refused[0]["message"]


CONTRAST = """
const light = (color) => {
  const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => {
    const share = part / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const behind = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const color = getComputedStyle(each).backgroundColor;
    if (!/, 0\\)$/.test(color)) return color;
  }
  return 'rgb(255, 255, 255)';
};
return [...document.querySelectorAll('main *')]
  .filter((each) => each.checkVisibility())
  .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .map((each) => {
    const [a, b] = [light(getComputedStyle(each).color), light(behind(each))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), `${each.tagName}.${each.className} ${each.textContent.trim()}`];
  })
  .filter(([ratio]) => ratio < 4.5);
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("media", ["screen", "print"])
def test_every_text_can_be_read_in_light_in_the_dark_and_on_paper(show, dark, media):
    browser = show(
        [pydantic_run(), known_run(), clean_run(), EVERY_RUN["inconclusive"]()], dark=dark, media=media
    )
    browser.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")

    assert [] == browser.execute_script(CONTRAST)
    page = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert ("rgb(20, 22, 26)" == page) == (dark and media == "screen")


def test_a_cell_of_the_icicle_tells_its_frames_and_zooms_by_pointer_and_keyboard(show):
    browser = show([pydantic_run()])
    cells = find_all(browser, ".icicle button")
    sign = next(cell for cell in cells if cell.text.startswith("sign"))
    keep = next(cell for cell in cells if cell.text.startswith("keep"))
    before = sign.size["width"]

    focus(browser, sign)
    assert "190 B per request, 34 % of the growth\nshop/signing.py:27 in sign" == find(browser, ".told").text
    press(browser, "ENTER")
    browser.execute_script("document.getAnimations().forEach((each) => each.finish())")
    assert sign.size["width"] > 2 * before
    assert (True, False) == (sign.is_displayed(), keep.is_displayed())
    press(browser, "ESCAPE")
    browser.execute_script("document.getAnimations().forEach((each) => each.finish())")
    assert pytest.approx(before, abs=1) == sign.size["width"]
    assert keep.is_displayed()


def test_the_list_of_a_session_is_sorted_by_any_column(show):
    browser = show(session())
    first, by_verdict = shown_rows(browser), find(browser, ".list th:nth-child(1) button")
    by_size, by_name = (
        find(browser, ".list th:nth-child(2) button"),
        find(browser, ".list th:nth-child(3) button"),
    )

    def column(number: int) -> list[str]:
        return [cell.text for cell in find_all(browser, f".list tbody td:nth-child({number})")]

    assert ["LEAK", "LEAK", "LEAK", "KNOWN LEAK", "CLEAN", "CLEAN"] == column(1)
    by_name.click()
    assert sorted(column(3)) == column(3)
    assert "ascending" == find(browser, ".list th:nth-child(3)").get_attribute("aria-sort")
    focus(browser, by_size)
    press(browser, "ENTER")
    assert ["9.6 KiB", "2.2 KiB", "553 B", "553 B", "0 B", "0 B"] == column(2)
    press(browser, "SPACE")
    assert ["0 B", "0 B", "553 B", "553 B", "2.2 KiB", "9.6 KiB"] == column(2)
    assert "ascending" == find(browser, ".list th:nth-child(2)").get_attribute("aria-sort")
    assert 1 == len(find_all(browser, ".list th[aria-sort]"))
    by_verdict.click()
    assert sorted(first) == sorted(shown_rows(browser))
    assert ["LEAK", "LEAK", "LEAK", "KNOWN LEAK", "CLEAN", "CLEAN"] == column(1)


def test_the_list_of_a_session_is_filtered_by_words_and_verdicts(show):
    browser = show(session())
    search = find(browser, "input[type=search]")

    search.send_keys("TEST_003")
    assert 1 == len(shown_rows(browser))
    assert "1 shown" == find(browser, "output").text
    assert 1 == len([card for card in find_all(browser, ".run") if card.is_displayed()])
    search.clear()
    search.send_keys(" ")
    find(browser, "input[value=clean]").click()
    find(browser, "input[value='known leak']").click()
    assert 3 == len(shown_rows(browser))


def test_a_link_of_the_list_opens_what_it_leads_to(show):
    from selenium.webdriver.support.ui import WebDriverWait

    browser = show(session())
    folded = [each for each in find_all(browser, "details.whole") if not each.get_attribute("open")]
    assert 2 == len(folded)

    find_all(browser, ".list a")[-1].click()

    # The browser tells of a new place in the page when it has time.
    WebDriverWait(browser, 20).until(lambda _: folded[-1].get_attribute("open"))


def test_what_is_folded_is_printed_too(show):
    browser = show([pydantic_run()])
    state = "return [...document.querySelectorAll('details')].map((each) => each.open)"
    assert not any(browser.execute_script(state))

    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert all(browser.execute_script(state))
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert not any(browser.execute_script(state))
    assert browser.print_page().startswith("JVBERi0")


def test_paper_asks_for_no_click_and_breaks_no_heading(show):
    browser = show([pydantic_run()], width=620, media="print")

    assert not find(browser, ".told").is_displayed()
    heads = find_all(browser, ".fold th")
    assert heads
    assert 1 == len({head.size["height"] for head in heads})


def test_a_page_without_script_says_the_same(show):
    browser = show([pydantic_run(), clean_run()], script=False)

    text = find(browser, "main").text
    assert "553 B" in text
    assert "shop/orders.py:11 in keep" in text
    assert "RECENT.append(Order(**fields))" in text
    assert not find(browser, "form").is_displayed()
    assert 4 <= len([plot for plot in find_all(browser, "svg") if plot.is_displayed()])


def test_ten_thousand_samples_are_drawn_thinly_and_found_by_keyboard(show):
    samples = samples_of(
        blocks=6, bytes_=553, stages=(STAGES[0], (Phase.MEASURE, 10_000, 10)), wobble=lambda n: n * 7919 % 50
    )
    browser = show([replace(pydantic_run(), samples=samples)])

    focus(browser, find(browser, ".area"))
    press(browser, "END")

    last = f"request {samples.iterations[-1]:,} (measurement): {samples[Meter.LIVE_BLOCKS][-1]:,} ("
    assert find(browser, ".reading").text.startswith(last)
    assert len(find(browser, ".curve").get_attribute("d")) < 20_000


def test_a_session_of_five_hundred_tests_can_be_searched(show):
    browser = show(session(500))

    assert 500 == len(find_all(browser, ".list tbody tr"))
    assert not find_all(browser, "details.whole[open]")
    find(browser, "input[type=search]").send_keys("test_499")
    assert 1 == len(shown_rows(browser))

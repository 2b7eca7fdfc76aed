"""Chromium, and the site on a server of this machine, once for each file of tests."""

import shutil

import pytest

from tests.site import checks
from tools.book import HTML


@pytest.fixture(scope="module")
def context():
    from playwright.sync_api import sync_playwright  # where it is missing, the tests are skipped

    # Debian's Chromium; where there is none, playwright looks for its own.
    with (
        sync_playwright() as playwright,
        checks.start(playwright, shutil.which("chromium")) as browser,
        browser.new_context() as context,
    ):
        yield context


@pytest.fixture(scope="module")
def base():
    with checks.served(HTML) as address:
        yield address

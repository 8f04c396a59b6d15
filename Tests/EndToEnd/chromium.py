"""Chromium, driven by Playwright."""

import os
from contextlib import contextmanager

from playwright.sync_api import sync_playwright


@contextmanager
def launched():
    with sync_playwright() as playwright:
        # Autoplay is left as users have it: the page has to begin muted and turn the sound on at a click.
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("EGRESS_E2E_CHROMIUM", "/usr/bin/chromium"),
            headless=True,
            chromium_sandbox=False,
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()

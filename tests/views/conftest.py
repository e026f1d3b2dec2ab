"""What the tests of the views share: a browser, and pages that are watched while it shows them."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "hosts"))  # the rule for missing parts stands there
import host_tools

AXE = host_tools.TOOLS / "axe" / "axe.min.js"


@pytest.fixture(scope="session")
def chromium():
    """A real browser, without a window."""
    program = host_tools.part("chromium")
    if importlib.util.find_spec("playwright") is None:
        host_tools.missing("chromium", "Playwright is not installed; .ci/parts/chromium says how to get it")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where it is installed

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses to run as root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe():
    """The script that judges accessibility."""
    if not AXE.exists():
        host_tools.missing("axe", "axe-core is not installed; .ci/parts/axe says how to get it")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture
def show(chromium, tmp_path):
    """Open the text of a page; the test fails if the page asks for anything, or has anything to complain about."""
    asked: list[str] = []
    complaints: list[str] = []
    contexts = []

    def opened(html, *, width=1280, height=800, scheme="light", fragment=""):
        path = tmp_path / f"page-{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        context.set_default_timeout(10_000)
        contexts.append(context)
        tab = context.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: (complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
        tab.goto(path.as_uri() + fragment)
        return tab

    yield opened
    pages = {(tmp_path / f"page-{number}.html").as_uri() for number in range(len(contexts))}
    for context in contexts:
        context.close()
    assert complaints == []
    assert {url.partition("#")[0] for url in asked} <= pages

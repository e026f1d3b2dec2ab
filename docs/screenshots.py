"""Make docs/images/page.png: the page of a large list in Chromium. Needs .ci/parts/chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))
from views import manifests  # noqa: E402 - the bench's own list

SERVICES, ENVIRONMENTS = 36, 15
CHOSEN = "#env=dev.proj2.user1&service=shop%2Fcart-1"


def main() -> None:
    """Write the page of a made list, choose an environment and a Service in it, and take its picture."""
    program = Path(sys.executable).with_name("virtual-env-fn")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        (Path(place) / "shop").mkdir()
        (Path(place) / "shop" / "shop.yaml").write_text(manifests(SERVICES, ENVIRONMENTS), encoding="utf-8")
        subprocess.run([program, "page", "shop", "-o", "page.html"], cwd=place, check=True)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        tab = browser.new_page(viewport={"width": 1280, "height": 800})
        tab.goto((Path(place) / "page.html").as_uri() + CHOSEN)
        tab.screenshot(path=ROOT / "docs" / "images" / "page.png")
        browser.close()


if __name__ == "__main__":
    main()

"""Make docs/images/page*.png: the page of a large and of a small list in Chromium. Needs .ci/parts/chromium."""

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

LARGE = "#env=dev.proj2.user1&service=shop%2Fcart-1"
SMALL = "#env=dev.proj1.feature1&service=app-java"


def main() -> None:
    """Take pictures of a small and of a large list, in light and in dark, an environment and a Service chosen."""
    program = Path(sys.executable).with_name("virtual-env-fn")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        (Path(place) / "shop").mkdir()
        (Path(place) / "shop" / "shop.yaml").write_text(manifests(36, 15), encoding="utf-8")
        shutil.copytree(ROOT / "examples" / "quickstart", Path(place) / "quickstart")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        for folder, chosen, name in (("shop", LARGE, "page"), ("quickstart", SMALL, "page-small")):
            subprocess.run([program, "page", folder, "-o", f"{folder}.html"], cwd=place, check=True)
            for scheme, end in (("light", ""), ("dark", "-dark")):
                context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
                tab = context.new_page()
                tab.goto((Path(place) / f"{folder}.html").as_uri() + chosen)
                tab.screenshot(path=ROOT / "docs" / "images" / f"{name}{end}.png")
                context.close()
        browser.close()


if __name__ == "__main__":
    main()

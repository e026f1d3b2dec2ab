"""The commands of the documents: each block of shell runs as it is written, or a table says by what, or why not."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from mesh.parts import TOOLS, may_skip

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("docs/decisions/*.md"))]
PAGES += sorted(ROOT.glob("examples/*/README.md"))
FENCE = re.compile(r"^ *```(?:sh|bash|shell|console)\b[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
HOSTS = ("kpt", "kustomize")
SECONDS = 300
AS_TESTS = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")


@dataclass(frozen=True)
class Block:
    """A block of shell, as its page has it."""

    page: str
    text: str

    def __str__(self):
        return f"{self.page}: {self.first}"

    @property
    def first(self):
        """Its first command, which tells it from the page's others."""
        lines = [line.removeprefix("$ ") for line in self.text.splitlines()]
        found = next(line for line in lines if line and not re.match(r"#(?!!)", line))
        return re.sub(r"\s+# .*", "", found)


BLOCKS = [
    Block(page.relative_to(ROOT).as_posix(), text)
    for page in PAGES
    for text in FENCE.findall(page.read_text(encoding="utf-8"))
]
OF_EXAMPLES = [block for block in BLOCKS if block.page.startswith("examples/")]


def lines_of(block):
    """Return the commands of a block without their comments, a continued one as one line."""
    joined = re.sub(r" *\\\n *", " ", block.text)
    return [re.sub(r"\s+# .*", "", line) for line in joined.splitlines()]


# One that is served and one that fails; and those with a line that neither has. The others' are the same commands,
# which test_examples.py and hosts/test_every_example.py run in every example.
TWO = [one for one in OF_EXAMPLES if one.page.split("/")[1] in ("quickstart", "errors")]
USUAL = {line for one in TWO for line in lines_of(one)}
OWN = [one for one in OF_EXAMPLES if not USUAL.issuperset(lines_of(one))]

# Run by a test that reads the page: all of a page's blocks, or the one with this first command.
ELSEWHERE = {
    ("README.md", ""): "tests/test_readme.py",
    ("README.zh-CN.md", ""): "tests/test_chinese.py",  # each is one of README.md
    (
        "docs/apply-order.md",
        "kustomize build . | virtual-env-fn --config virtual-env.yaml | kubectl",
    ): "tests/cluster/ways.py",
    ("docs/apply-order.md", "all=$(mktemp)"): "tests/cluster/ways.py",
    ("docs/apply-order.md", "kustomize build . | virtual-env-fn --config virtual-env.yaml |"): "tests/cluster/ways.py",
    ("docs/apply-order.md", "kpt"): "tests/cluster/ways.py",
    ("docs/apply-order.md", "helm"): "tests/cluster/ways.py",
    ("docs/apply-order.md", "mkdir -p out"): "tests/cluster/test_flux.py",
    ("docs/findings.md", ""): "tests/test_findings.py",
    ("docs/hosts.md", "#!/bin/sh"): "tests/hosts/test_kustomize.py",
    ("docs/install.md", ""): "tests/hosts/transcripts.py",
    ("docs/layouts.md", "virtual-env-fn fork"): "tests/cluster/test_layouts.py",
    ("docs/layouts.md", "sources="): "tests/cluster/test_layouts.py",
    ("docs/layouts.md", "kubectl get"): "tests/cluster/test_layouts.py",
    ("docs/leaving-the-operator.md", "kubectl -n demo scale"): "tests/mesh/test_leaving_the_operator.py",
    ("docs/leaving-the-operator.zh-CN.md", ""): "tests/test_chinese.py",  # each is one of the English guide
    ("docs/views.md", "virtual-env-fn explain"): "tests/views/test_view_command.py",
    ("docs/views.md", "virtual-env-fn matrix"): "tests/views/test_view_command.py",
}

# A repository of a user's in a folder of its own, with two lists that are no part of it.
USER = """
mkdir user
cp -r examples/quickstart user/deploy
cp -r examples/quickstart user/OLD
cp -r examples/quickstart user/NEW
cd user
printf '%s\\n' OLD NEW >.krmignore
git init -q
git add deploy .krmignore
git -c user.name=tests -c user.email=tests@example.com commit -q -m tests
git update-ref refs/remotes/origin/main HEAD
"""

# Run here, in a repository with a copy of this one: where in it, and what is done before.
HERE = {
    ("docs/hosts.md", "kustomize build --enable-alpha-plugins"): ("examples/quickstart", ""),
    ("docs/hosts.md", "kpt fn eval"): ("examples/quickstart", ""),
    ("docs/hosts.md", "kpt pkg get"): ("..", ""),
    ("docs/meshes.md", "virtual-env-fn generate"): (".", ""),
    ("docs/pipelines.md", "git clone"): (".", "cp -r examples/quickstart deploy"),
    ("docs/views.md", "virtual-env-fn diff"): ("user", USER),
    ("docs/views.md", "virtual-env-fn page"): (".", ""),
}

# A line each is a way of its own: each runs in a copy of its own.
WAYS = {("docs/hosts.md", "kpt fn eval")}

# Not run, and why.
NOT = {
    ("CONTRIBUTING.md", "python3 tests/run.py"): "they run this suite, or rewrite what it compares with",
    (
        "CONTRIBUTING.md",
        ".venv/bin/python -m tests.fuzz --go --seconds 3600",
    ): "an hour; tests/fuzz runs the same checks",
    ("CONTRIBUTING.md", "python3 requirements/lock.py"): "they write the locks with the newest versions of the day",
    ("docs/apply-order.md", "kustomize build . | virtual-env-fn --config virtual-env.yaml > ../all.yaml"): (
        "it waits for pods to run, which needs nodes; tests/cluster/test_adopt.py applies the same to an API server"
    ),
    ("docs/auto-instrumentation.md", "curl"): "tests/mesh/test_services.py asks the same, as a client in the mesh",
    (
        "docs/hosts.md",
        "kustomize build . |",
    ): "it applies to a cluster; tests/cluster/ways.py runs it of apply-order.md",
    (
        "docs/hosts.md",
        "docker build",
    ): "tests/test_readme.py builds the image; the second, and the patch, need Argo CD's",
    ("docs/hosts.md", "helm template"): "it needs a chart of yours; tests/hosts/test_helm.py runs it with one",
    ("docs/leaving-the-operator.md", "kubectl delete"): "it takes the operator's own parts out of a cluster",
    ("docs/mesh.md", ".ci/parts/mesh"): "the second line is run below; the first installs parts, as .ci/run does",
    (
        "docs/verify.md",
        "istioctl proxy-config",
    ): "it asks a cluster's proxies; tests/mesh/test_verify.py reads real dumps",
}
TABLES = (ELSEWHERE, HERE, NOT)


def entries(block):
    """Return the rows of the tables for a block: of those that fit, the longest."""
    fitting = [
        (page, first)
        for table in TABLES
        for page, first in table
        if page == block.page and block.first.startswith(first)
    ]
    longest = max((len(first) for _, first in fitting), default=0)
    return [row for row in fitting if len(row[1]) == longest]


@pytest.mark.parametrize("block", [one for one in BLOCKS if one not in OF_EXAMPLES], ids=str)
def test_a_block_is_run_or_told(block):
    """Each block of shell has one row of the tables: who runs it, or why nobody does."""
    assert len(entries(block)) == 1


def test_each_row_is_of_a_block():
    """No row has outlived its block, and each file that one names is there and reads its page."""
    used = {row for block in BLOCKS for row in entries(block)}
    assert {row for table in TABLES for row in table} == used
    for (page, _), file in ELSEWHERE.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        assert Path(page).name in text or (".zh-CN." in page and "*.zh-CN.md" in text), (page, file)
    for reason in NOT.values():
        assert [file for file in re.findall(r"tests/[\w/]+\.py", reason) if not (ROOT / file).exists()] == []


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A repository with what a checkout of this one has, once committed; and the commit."""
    folder = tmp_path_factory.mktemp("commands") / "virtual-env-fn"
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*AS_TESTS, "commit", "-q", "-m", "tests"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    subprocess.run(["git", "update-ref", "refs/remotes/origin/main", "HEAD"], cwd=folder, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    return folder, head.stdout.strip()


def run(text, cwd, code=0):
    done = subprocess.run(["sh", "-euc", text], cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == code, f"{text}\n{done.stdout}{done.stderr}"
    return done


def have(text):
    """Skip for want of a host; in CI only where .ci/run has said that it is missing."""
    for name in HOSTS:
        if re.search(rf"^{name} ", text, re.MULTILINE) and not shutil.which(name):
            (pytest.skip if may_skip(name) else pytest.fail)(
                f"{name} is not installed; .ci/parts/{name} says how to get it"
            )


@pytest.mark.parametrize("row", HERE, ids=": ".join)
def test_a_block_runs(row, original, tmp_path):
    """A block runs to its end as it is written, URL and COMMIT being those of a repository."""
    (block,) = [one for one in BLOCKS if entries(one) == [row]]
    have(block.text)
    folder, commit = original
    place, before = HERE[row]
    text = re.sub(r"\bCOMMIT\b", commit, re.sub(r"\bURL\b", str(folder), block.text))
    for number, part in enumerate(text.splitlines() if row in WAYS else [text]):
        work = shutil.copytree(folder, tmp_path / f"work-{number}")
        run(before, work)
        run(part, work / place)
        for written in re.findall(r"-o (\S+)", part):
            assert (work / place / written).stat().st_size


@pytest.mark.parametrize("block", [*TWO, *OWN], ids=str)
def test_the_commands_of_an_example_run(block, tmp_path):
    """Each line of an example's block runs in its folder; where the example fails, each ends with code 1."""
    folder = ROOT / Path(block.page).parent
    work = shutil.copytree(folder, tmp_path / folder.name)
    fails = (folder / "expected-errors.txt").exists()
    assert "virtual-env-fn generate" in block.text
    for line in lines_of(block):
        if (tool := line.partition(" ")[0]) in HOSTS and not shutil.which(tool):
            have(line)
        run(line, work, code=int(fails and not line.startswith("cp ")))


def test_a_table_is_asked_as_the_page_says():
    """docs/mesh.md's command asks the quickstart's table in a real mesh, and finds it right."""
    (block,) = [one for one in BLOCKS if one.page == "docs/mesh.md"]
    if not ((TOOLS / "bin" / "mesh").exists() and (ROOT / ".venv" / "bin" / "python").exists()):
        (pytest.skip if may_skip("mesh") else pytest.fail)("the mesh is missing: run .ci/parts/mesh")
    assert "WRONG" not in run(block.text.splitlines()[1], ROOT).stdout

"""The code in the READMEs runs as it stands."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
import xblock_runtime

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("readme", ["README.md", "python-bindings/README.md"])
def test_readme_code_runs(readme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / readme).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert blocks
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    for code in blocks:
        exec(compile(code, readme, "exec"), {"__name__": "__main__"})


def test_docstrings_run() -> None:
    result = doctest.testmod(xblock_runtime)
    assert result.attempted and not result.failed


def test_the_version_is_the_workspaces() -> None:
    import tomllib

    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    assert xblock_runtime.__version__ == manifest["workspace"]["package"]["version"]

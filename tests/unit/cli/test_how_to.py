"""The page about comparing offline is followed as it stands."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from tests.unit.cli.files import CommandLine
from tests.unit.docs.markdown import snippets, text_of

PAGE = "docs/how-to/compare-embeddings-offline.md"


def test_the_page_can_be_followed(
    parallax: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write, read = (one.text for one in snippets(PAGE, "python"))
    exec(compile(write, PAGE, "exec"), {})
    for layers in ("layers-of-a", "layers-of-b"):
        Path(layers).mkdir()
        for number in range(2):
            rows = np.random.default_rng(number).normal(size=(30, 5)).astype(np.float32)
            np.save(Path(layers) / f"layer{number}.npy", rows)
    ends = []
    for block in snippets(PAGE, "sh"):
        for line in block.text.splitlines():
            ends.append(parallax(*shlex.split(line)[1:]))
            assert ends[-1].status == 0, (line, ends[-1].err)
        if len(ends) == 1:
            with np.load("matrices.npz") as matrices:
                keys = {key.removeprefix("cka.linear.unbiased/") for key in matrices if "/" in key and "cka" in key}
    assert json.loads(ends[1].out)["preprocess"] == "clamp=0.95+l2"
    assert Path("matrices.png").is_file() and "Best: " in ends[-1].out
    told = set(re.findall(r"`<id>/(\w+)`", text_of(PAGE)))
    assert told == keys
    capsys.readouterr()
    exec(compile(read, PAGE, "exec"), {})
    assert re.fullmatch(r"calm and \w+: \d\.\d{3} on 200 stimuli\n", capsys.readouterr().out)

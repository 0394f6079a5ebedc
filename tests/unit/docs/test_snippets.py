"""Snippets of the documentation are run as they stand, and what they make is accepted by the code they are for."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from backend.contracts.consistency import Finding
from backend.contracts.matrices import Matrix, MatrixSummary
from backend.contracts.pages import Page
from backend.domain.finding import finding
from backend.settings import Settings
from backend.storage import LocalStore
from tests.architecture.tree import ROOT
from tests.unit.docs.markdown import pages, snippets

RUN_HERE = {"docs/how-to/add-a-model.md", "docs/how-to/add-a-dataset.md", "docs/api.md"}
# Pages of other parts, whose own tests run their snippets.
RUN_ELSEWHERE = {
    "docs/how-to/add-a-metric.md", "docs/how-to/compare-embeddings-offline.md",
    "docs/how-to/check-consistency-offline.md",
}  # fmt: skip


def only_snippet(page: str, language: str = "python") -> str:
    (found,) = snippets(page, language)
    return found.text


def run(code: str, folder: Path) -> str:
    """Runs Python code in a folder, as a user would; answers what it printed."""
    # Beside the CPU build of torch timm can only be imported after this, as the page says.
    whole = f"import workers.extraction.torchvision_ops\n{code}"
    env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    result = subprocess.run(
        [sys.executable, "-c", whole], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=180
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_every_python_snippet_is_run_by_a_test() -> None:
    found = {str(page) for page in pages() if snippets(page, "python")}
    assert found - RUN_ELSEWHERE == RUN_HERE


def test_the_checkpoint_of_the_how_to_is_a_model(tmp_path: Path) -> None:
    from backend.services.uploads import describe
    from workers.extraction.models import load_encoder

    run(only_snippet("docs/how-to/add-a-model.md"), tmp_path)
    store = LocalStore(tmp_path / "store")
    sha256, _ = store.put([(tmp_path / "my-vit-tiny.safetensors").read_bytes()])
    header, said = describe(store, sha256)
    assert (header.name, said.objective, said.tags) == ("my-vit-tiny", "self-supervised", ["my-lab"])

    encoder = load_encoder({"source": "checkpoint", "checkpoint_sha256": sha256}, store, "cpu")
    assert (encoder.node, encoder.embedding_dim) == ("pre_logits", 192)
    assert encoder.preprocessing["input_size"] == [3, 64, 64]


def test_the_archive_of_the_how_to_is_a_dataset(tmp_path: Path) -> None:
    from backend.services.uploads import peek_dataset_name
    from backend.storage.archives import decode, open_archive, read_manifest, read_picture

    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number, suffix in enumerate((".png", ".jpg", ".JPEG")):
            picture = Image.fromarray(rng.integers(0, 256, (8, 9, 3), dtype=np.uint8))
            picture.save(tmp_path / "photos" / label / f"{number}{suffix}")
    printed = run(only_snippet("docs/how-to/add-a-dataset.md"), tmp_path)
    assert printed.startswith("my-photos.zip: 6 stimuli")

    store = LocalStore(tmp_path / "store")
    sha256, _ = store.put([(tmp_path / "my-photos.zip").read_bytes()])
    assert peek_dataset_name(store, sha256) == "my-photos"
    with open_archive(store.path(sha256)) as archive:
        manifest = read_manifest(archive)
        assert [one.label for one in manifest.stimuli] == ["cat"] * 3 + ["dog"] * 3
        assert all(decode(read_picture(archive, one.file), 10**6).size == (9, 8) for one in manifest.stimuli)


def test_the_finding_of_the_api_page_is_the_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The snippet against an API that serves made matrices and the finding that the domain makes of them."""
    import parallax.client

    answers = made_answers()
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=answers(request.url)))
    monkeypatch.setattr(parallax.client, "Client", partial(parallax.client.Client, transport=transport))
    namespace: dict[str, object] = {}
    exec(compile(only_snippet("docs/api.md"), "docs/api.md", "exec"), namespace)
    said, here = capsys.readouterr().out.splitlines()
    true = namespace["finding"]
    assert isinstance(true, Finding) and said == true.sentence
    assert here == f"Here, from 9 models on 4 datasets: median r = {true.numbers['median_r']:.4f}"


def made_answers():  # type: ignore[no-untyped-def]
    """What an API with four datasets and nine models would answer, by address."""
    rng = np.random.default_rng(1)
    names, metric = [f"model-{i}" for i in range(9)], "cka.linear.unbiased"
    shared = rng.random((9, 9))
    stack = [np.round((x + x.T) / 2, 3) for x in (shared + rng.random((9, 9)) for _ in range(4))]
    datasets = [f"dataset-{i}" for i in range(4)]
    when = "2026-01-01T00:00:00Z"
    text = finding(np.array(stack), datasets, ["supervised"] * 9, metric)

    def answer(url: httpx.URL) -> object:
        path = url.path.removeprefix("/api/v1")
        if path == "/finding":
            return Finding(sentence=text.sentence, numbers=text.numbers).model_dump(mode="json")
        if path == "/coverage":
            items = [
                MatrixSummary(dataset=name, metric=one, preprocess="l2", n=100, n_models=9, updated_at=when)  # type: ignore[arg-type]
                for name in datasets for one in (metric, "rsa.correlation.spearman")
            ]
            return Page[MatrixSummary](items=items, next_cursor=None, total=len(items)).model_dump(mode="json")
        assert path == "/matrices" and url.params["metric"] == metric
        # Each dataset lists its models in an order of its own.
        order = np.roll(np.arange(9), datasets.index(url.params["dataset"]))
        values = stack[datasets.index(url.params["dataset"])][np.ix_(order, order)]
        return Matrix(
            dataset=url.params["dataset"], dataset_version=1, metric=metric, metric_version=1, preprocess="l2", n=100,
            models=[names[i] for i in order], order_hash="0" * 16, values=values.tolist(),
            computed=np.ones((9, 9), dtype=bool).tolist(), gaps=[], updated_at=when,  # type: ignore[arg-type]
        ).model_dump(mode="json")

    return answer


def test_the_secrets_of_the_how_to_are_those_that_compose_wants(tmp_path: Path) -> None:
    """The script makes every secret, keeps those that are there, and a process in server mode accepts them."""
    from tests.unit.deployment.compose import compose

    script = only_snippet("docs/how-to/deploy.md", "bash")
    shell = tmp_path / "bin"
    shell.mkdir()
    (shell / "python3").symlink_to(sys.executable)
    env = {"PATH": f"{shell}:{os.defpath}"}
    for _ in range(2):
        subprocess.run(["bash", "-e", "-u", "-c", script], cwd=tmp_path, env=env, check=True, timeout=60)
        made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert {f"./secrets/{name}" for name in made} == {one["file"] for one in compose()["secrets"].values()}
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700

    settings = Settings(
        mode="server", secret=made["parallax_secret"],  # type: ignore[arg-type]
        DATABASE_URL=made["database_url"], BROKER_URL=made["broker_url"],  # type: ignore[arg-type]
    )
    assert settings.database_url.get_secret_value() == (
        f"postgresql+psycopg://parallax:{made['postgres_password']}@postgres:5432/parallax"
    )
    assert settings.broker_url.get_secret_value() == f"redis://:{made['valkey_password']}@valkey:6379/0"

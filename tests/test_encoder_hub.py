"""Encoders from the Hugging Face hub: a cache made by hand, and a hub on this machine."""

import hashlib
import json
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from . import clips
from .clips import TINY

NAME = "openai/clip-vit-base-patch16"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def load(name=NAME, **settings):
    return clips.load(name, **settings)


def refusal(name=NAME, **settings):
    return clips.refusal(name, **settings)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, without a hub behind it."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "cache"


def put(cache, name=NAME, ref="main") -> Path:
    """Make the folders of a repository in a cache the way a person would."""
    repository = cache / f"models--{name.replace('/', '--')}"
    (repository / "refs" / ref).parent.mkdir(parents=True)
    (repository / "refs" / ref).write_text(COMMIT)
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    return snapshot


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A CLIP as transformers writes it."""
    folder = tmp_path_factory.mktemp("saved")
    clips.save_huggingface(clips.in_transformers(TINY), folder)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A card\n")
    return folder


@pytest.fixture
def snapshot(cache, saved):
    return Path(shutil.copytree(saved, put(cache), dirs_exist_ok=True))


class TestCache:
    def test_what_is_there_is_read_without_a_network(self, snapshot):
        provenance = load().provenance
        weights = snapshot / "model.safetensors"
        assert provenance.name == NAME
        assert provenance.revision == COMMIT
        assert provenance.licence == "mit"
        assert provenance.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()

    @pytest.mark.usefixtures("snapshot")
    def test_a_revision_by_its_commit_or_its_name(self, cache):
        assert load(f"{NAME}@{COMMIT}").provenance.revision == COMMIT
        other = cache / f"models--{NAME.replace('/', '--')}" / "refs" / "refs" / "pr" / "5"
        other.parent.mkdir(parents=True)
        other.write_text(COMMIT)
        assert load(f"{NAME}@refs/pr/5").provenance.revision == COMMIT
        assert "config.json is not in the cache" in refusal(f"{NAME}@v2")

    def test_files_of_an_index(self, cache):
        snapshot = put(cache)
        theirs = clips.in_transformers(TINY)
        clips.save_huggingface(theirs, snapshot, max_shard_size="20KB")
        assert len(load().provenance.files) > 1
        part = next(snapshot.glob("model-00002*"))
        part.unlink()
        assert f"{part.name} is not in the cache" in refusal()

    @pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
    def test_a_missing_file_is_named_and_how_to_place_it(self, missing, snapshot, cache):
        (snapshot / missing).unlink()
        told = refusal()
        assert told.startswith(f"encoder '{NAME}' is no folder here, and on the hub: {NAME}: ")
        assert f"{missing} is not in the cache {cache}" in told
        assert "offline mode is on (HF_HUB_OFFLINE)" in told
        assert f"huggingface.co/{NAME}/resolve/" in told
        assert "put them into a folder and give that folder as the name of the encoder" in told

    def test_random_weights_are_not_asked_for(self, snapshot):
        (snapshot / "model.safetensors").unlink()
        provenance = load(random=True).provenance
        assert (provenance.sha256, provenance.revision) == ("", COMMIT)

    def test_a_pickle_in_the_cache_is_refused(self, snapshot):
        (snapshot / "model.safetensors").rename(snapshot / "pytorch_model.bin")
        assert f"{NAME}: pytorch_model.bin: is a pickle" in refusal()

    def test_open_clips_layout(self, cache):
        theirs = clips.openai_clip(TINY)
        clips.save_open_clip(theirs.tensors(), TINY, put(cache, "laion/tiny"))
        encoder = load("hf-hub:laion/tiny")
        images = torch.randn(2, 3, 32, 32)
        with torch.no_grad():
            difference = encoder.clip.vision(images).image - theirs.visual(images)
        assert difference.abs().max() <= 1e-5
        assert encoder.provenance.layout == "open_clip"

    @pytest.mark.usefixtures("snapshot")
    def test_the_variables_of_the_environment(self, cache):
        """They are read when the library is imported, so this needs a process of its own."""
        program = (
            "from flexpad.encoders import build; from flexpad.recipe import EncoderRecipe;"
            f"print(build(EncoderRecipe('{NAME}')).provenance.revision)"
        )
        home = cache.parent / "home"
        home.mkdir()
        cache.rename(home / "hub")
        ran = subprocess.run(
            [sys.executable, "-c", program],
            env={"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout.strip() == COMMIT


class Hub(ThreadingHTTPServer):
    """Serves the files of one repository the way the hub does."""

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), _Answer)
        self.folder = folder
        self.fetched: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, *, body):
        path = self.path.partition("?")[0]
        if not (path.startswith((f"/{NAME}/", "/api/models/")) and NAME in path):
            return self._send(404, b"", {"X-Error-Code": "RepoNotFound"}, body=body)
        if path.startswith("/api/models/"):
            names = [file.name for file in self.server.folder.iterdir()]
            tree = [{"type": "file", "path": name, "size": 1, "oid": "0" * 40} for name in names]
            return self._send(200, json.dumps(tree).encode(), {}, body=body)
        revision, _, name = path.partition("/resolve/")[2].partition("/")
        if revision not in ("main", COMMIT):
            return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"}, body=body)
        file = self.server.folder / name
        if not file.is_file():
            headers = {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}
            return self._send(404, b"", headers, body=body)
        if body:
            self.server.fetched.append(name)
        content = file.read_bytes()
        etag = hashlib.sha256(content).hexdigest()
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"'}
        return self._send(200, content, headers, body=body)

    def _send(self, status, content, headers, *, body):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_):
        """Say nothing."""


def point_to(url, monkeypatch):
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def hub(cache, saved, tmp_path, monkeypatch):  # noqa: ARG001 - a cache to fill
    served = Hub(Path(shutil.copytree(saved, tmp_path / "served")))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    point_to(served.url, monkeypatch)
    thread = threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()


class TestHub:
    def test_only_what_is_needed_is_fetched_and_once(self, hub):
        for stranger in ("pytorch_model.bin", "flax_model.msgpack", "tf_model.h5"):
            (hub.folder / stranger).write_bytes(b"not wanted")
        assert load().provenance.revision == COMMIT
        wanted = ["README.md", "config.json", "model.safetensors", "tokenizer.json"]
        assert sorted(hub.fetched) == wanted
        load()
        assert sorted(hub.fetched) == wanted

    def test_files_of_an_index(self, hub):
        (hub.folder / "model.safetensors").unlink()
        clips.save_huggingface(clips.in_transformers(TINY), hub.folder, max_shard_size="20KB")
        assert len(load().provenance.files) > 1

    def test_parts_of_a_tokenizer(self, hub):
        (hub.folder / "tokenizer.json").unlink()
        assert "holds no tokenizer" in refusal()
        (hub.folder / "vocab.json").write_text('{"<|startoftext|>": 0, "<|endoftext|>": 1}')
        (hub.folder / "merges.txt").write_text("#version: 0.2\n")
        assert load().tokenizer.encode("").ids == [0, 1]

    def test_a_repository_with_a_pickle_alone(self, hub):
        (hub.folder / "model.safetensors").rename(hub.folder / "pytorch_model.bin")
        assert f"{NAME}: pytorch_model.bin: is a pickle" in refusal()
        assert "pytorch_model.bin" not in hub.fetched

    def test_a_repository_without_weights(self, hub):
        (hub.folder / "model.safetensors").unlink()
        assert f"repository '{NAME}' has no model.safetensors" in refusal()

    def test_the_other_layout_is_suggested(self, hub):
        assert refusal(f"hf-hub:{NAME}").endswith(f"the encoder is '{NAME}'")
        (hub.folder / "config.json").unlink()
        assert f"if it is of open_clip, the encoder is 'hf-hub:{NAME}'" in refusal()

    @pytest.mark.usefixtures("hub")
    def test_what_is_not_there(self):
        assert "has no revision 'v2'" in refusal(f"{NAME}@v2")
        assert "the hub has no repository 'openai/clip' that you may read" in refusal("openai/clip")

    @pytest.mark.usefixtures("hub")
    def test_a_hub_that_is_down(self, monkeypatch):
        load()
        monkeypatch.setattr("time.sleep", lambda _: None)  # the library waits and tries again
        point_to("http://127.0.0.1:9", monkeypatch)
        assert load().provenance.revision == COMMIT  # from the cache
        told = refusal("openai/other")
        assert "config.json is not in the cache" in told
        assert "the hub cannot be reached (ConnectError)" in told

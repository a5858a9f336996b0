"""Every source of the dataset, tried for real: folders, a web server on this machine, and apt.

The tests of the Debian package use this machine's apt and its network; they run wherever there is
an apt-get, and fail where it reaches no package mirror.
"""

import gzip
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pooch
import pytest

from fmnist_edge.dataset import Places, load_test, locate, usual_places
from fmnist_edge.dataset.catalog import (
    FILES,
    TEST_FILES,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
)
from fmnist_edge.dataset.verify import read_verified, verify_folder
from fmnist_edge.errors import DatasetCorruptError, DatasetNotFoundError, StorageError
from fmnist_edge.optional import install_command

needs_apt = pytest.mark.skipif(shutil.which("apt-get") is None, reason="this is no Debian")


class Diary:
    """A `Progress` that remembers everything."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.work: list[tuple[str, int | None, int]] = []
        self.running = 0

    def start(self, label: str, total: int | None) -> None:
        self.work.append((label, total, 0))
        self.running += 1

    def advance(self, steps: int = 1, *, note: str = "") -> None:
        label, total, done = self.work[-1]
        self.work[-1] = (label, total, done + steps)
        assert not note

    def finish(self) -> None:
        self.running -= 1

    def say(self, message: str) -> None:
        self.said.append(message)


class Mirror(BaseHTTPRequestHandler):
    """Serves `right/NAME` as it should, and other folders in the ways that mirrors fail."""

    server: "MirrorServer"

    def do_HEAD(self) -> None:
        self._start(200)

    def do_GET(self) -> None:
        _, manner, name = self.path.split("/")
        self.server.asked.append(f"{manner}/{name}")
        try:
            getattr(self, f"_{manner}")((self.server.folder / name).read_bytes())
        except ConnectionError:
            self.close_connection = True  # the other side has had enough

    def log_message(self, *_: object) -> None:
        """Be quiet."""

    def _start(self, status: int, length: int | None = None) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _right(self, payload: bytes) -> None:
        self._start(200, len(payload))
        self.wfile.write(payload)

    def _unannounced(self, payload: bytes) -> None:
        self._start(200)
        self.wfile.write(payload)

    def _missing(self, _: bytes) -> None:
        self._start(404, 0)

    def _truncated(self, payload: bytes) -> None:
        self._right(payload[: len(payload) // 2])

    def _interrupted(self, payload: bytes) -> None:
        self._start(200, len(payload))
        self.wfile.write(payload[: len(payload) // 2])

    def _altered(self, payload: bytes) -> None:
        contents = bytearray(gzip.decompress(payload))
        contents[-1] ^= 1
        self._right(gzip.compress(contents, compresslevel=1))

    def _page(self, _: bytes) -> None:
        self._right(b"<html>Please log in to this network.</html>")

    def _busy(self, payload: bytes) -> None:
        """Too busy for the first request of all."""
        if len(self.server.asked) == 1:
            self._start(503, 0)
        else:
            self._right(payload)

    def _flood(self, _: bytes) -> None:
        self._start(200)
        while True:
            self.wfile.write(bytes(1 << 20))

    def _slow(self, payload: bytes) -> None:
        self._start(200, len(payload))
        self.wfile.write(payload[:100_000])
        self.wfile.flush()
        self.server.half_way.set()
        self.server.closing.wait(30)


class MirrorServer(ThreadingHTTPServer):
    """A web server on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Mirror)
        self.folder = folder
        self.asked: list[str] = []
        self.half_way = threading.Event()
        self.closing = threading.Event()

    def mirror(self, manner: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{manner}/"


@pytest.fixture(scope="session")
def packed_folder(real_data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four files packed anew: other containers than anywhere else, the same contents."""
    folder = tmp_path_factory.mktemp("packed")
    for file in FILES:
        contents = read_verified(real_data_folder, file)
        (folder / file.name).write_bytes(gzip.compress(contents, compresslevel=1, mtime=1))
    return folder


@pytest.fixture
def server(packed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MirrorServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with MirrorServer(packed_folder) as running:
        thread = threading.Thread(target=partial(running.serve_forever, poll_interval=0.05))
        thread.start()
        yield running
        running.closing.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A machine that has nothing yet."""
    return Places(cache=tmp_path / "cache" / "fashion-mnist", system=tmp_path / "system")


@pytest.fixture
def no_apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine whose PATH leads to no apt-get."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _link(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    for file in FILES:
        (folder / file.name).symlink_to(source / file.name)


def _spoil(path: Path) -> None:
    path.unlink()
    path.write_bytes(gzip.compress(b"something else"))


# Folders of this machine


def test_a_named_folder_is_used(packed_folder: Path, places: Places) -> None:
    found = locate(packed_folder, places=places)
    assert (found.path, found.source) == (packed_folder, "data-dir")


def test_a_named_folder_is_never_replaced_by_another(
    packed_folder: Path, places: Places, tmp_path: Path
) -> None:
    _link(packed_folder, places.cache)
    with pytest.raises(DatasetNotFoundError, match=r"There is no train-images"):
        locate(tmp_path / "typo", places=places)
    _link(packed_folder, tmp_path / "named")
    _spoil(tmp_path / "named" / TEST_LABELS.name)
    with pytest.raises(DatasetCorruptError, match=r"named/t10k-labels-idx1-ubyte\.gz"):
        locate(tmp_path / "named", places=places)


def test_the_cache_comes_before_the_system_copy(packed_folder: Path, places: Places) -> None:
    _link(packed_folder, places.cache)
    _link(packed_folder, places.system)
    assert locate(places=places, mirrors=None).source == "cache"


def test_a_corrupt_cache_is_named_and_passed_over(packed_folder: Path, places: Places) -> None:
    _link(packed_folder, places.cache)
    _link(packed_folder, places.system)
    _spoil(places.cache / TEST_IMAGES.name)
    diary = Diary()
    found = locate(places=places, mirrors=None, progress=diary)
    assert (found.path, found.source) == (places.system, "system")
    assert len(diary.said) == 1
    assert diary.said[0].startswith("The cache copy is passed over: ")
    assert str(places.cache / TEST_IMAGES.name) in diary.said[0]


def test_the_usual_cache_follows_the_users_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert usual_places().cache == tmp_path / "fmnist-edge" / "fashion-mnist"
    assert str(usual_places().system) == "/usr/share/datasets/fashion-mnist"


# Mirrors


def test_a_mirror_fills_the_cache(server: MirrorServer, places: Places) -> None:
    diary = Diary()
    found = locate(places=places, mirrors=[server.mirror("right")], progress=diary)
    assert (found.path, found.source) == (places.cache, "mirror")
    assert sorted(path.name for path in places.cache.iterdir()) == sorted(f.name for f in FILES)
    assert len(load_test(found.path)) == 10_000
    assert diary.said == []
    assert diary.running == 0
    assert [done for _, _, done in diary.work] == [total for _, total, _ in diary.work]
    assert diary.work[0][0] == f"{TRAIN_IMAGES.name} from {server.mirror('right')}"
    assert locate(places=places, mirrors=None).source == "cache"


def test_mirrors_are_tried_until_one_is_right(server: MirrorServer, places: Places) -> None:
    diary = Diary()
    mirrors = [server.mirror(manner) for manner in ("missing", "truncated", "altered", "right")]
    assert locate(places=places, mirrors=mirrors, progress=diary).source == "mirror"
    verify_folder(places.cache)
    name = TRAIN_IMAGES.name
    assert diary.said[0] == f"{name} cannot be had from {mirrors[0]}: it answers with status 404."
    assert diary.said[1].startswith(f"{name} from {mirrors[1]} is not used: ")
    assert diary.said[1].endswith("is truncated.")
    assert diary.said[2].startswith(f"{name} from {mirrors[2]} is not used: ")
    assert "SHA-256" in diary.said[2]
    # A mirror that failed is not asked first again.
    assert len(diary.said) == 3
    assert diary.running == 0


def test_only_what_the_cache_lacks_is_downloaded(
    server: MirrorServer, places: Places, packed_folder: Path
) -> None:
    _link(packed_folder, places.cache)
    _spoil(places.cache / TEST_LABELS.name)
    assert locate(places=places, mirrors=[server.mirror("right")]).source == "mirror"
    assert server.asked == [f"right/{TEST_LABELS.name}"]
    verify_folder(places.cache)


def test_files_that_are_not_needed_are_neither_read_nor_downloaded(
    server: MirrorServer, places: Places, packed_folder: Path
) -> None:
    _link(packed_folder, places.system)
    _spoil(places.system / TRAIN_IMAGES.name)
    assert locate(files=TEST_FILES, places=places, mirrors=None).source == "system"
    (places.system / TEST_IMAGES.name).unlink()
    found = locate(files=TEST_FILES, places=places, mirrors=[server.mirror("right")])
    assert found.source == "mirror"
    assert server.asked == [f"right/{file.name}" for file in TEST_FILES]


@pytest.fixture
def nearly_full(places: Places, packed_folder: Path) -> Places:
    """Only the smallest file is lacking, which keeps the tests of failing mirrors short."""
    _link(packed_folder, places.cache)
    (places.cache / TEST_LABELS.name).unlink()
    return places


@pytest.mark.parametrize("manner", ["busy", "unannounced"])
def test_an_odd_mirror_is_good_enough(
    server: MirrorServer, nearly_full: Places, manner: str, caplog: pytest.LogCaptureFixture
) -> None:
    logger = pooch.get_logger()
    logger.addHandler(caplog.handler)
    try:
        found = locate(places=nearly_full, mirrors=[server.mirror(manner).removesuffix("/")])
    finally:
        logger.removeHandler(caplog.handler)
    assert found.source == "mirror"
    assert caplog.records == []


@pytest.mark.parametrize(
    ("manner", "problem"),
    [
        ("interrupted", "the transfer broke off"),
        ("flood", "it sends far more than the published file"),
        ("page", "not a sound gzip file"),
    ],
)
@pytest.mark.usefixtures("no_apt")
def test_a_failing_mirror_is_named_and_leaves_nothing(
    server: MirrorServer, nearly_full: Places, manner: str, problem: str
) -> None:
    before = sorted(nearly_full.cache.iterdir())
    diary = Diary()
    with pytest.raises(DatasetNotFoundError):
        locate(places=nearly_full, mirrors=[server.mirror(manner)], progress=diary)
    assert problem in diary.said[0]
    assert sorted(nearly_full.cache.iterdir()) == before
    assert diary.running == 0


@pytest.mark.parametrize(
    ("mirror", "problem"),
    [
        ("http://127.0.0.1:{port}/", "it cannot be reached"),
        ("http://host.invalid/", "it cannot be reached"),
        ("gopher://127.0.0.1/", "No connection adapters were found"),
        ("nonsense", "No scheme supplied"),
    ],
)
@pytest.mark.usefixtures("no_apt")
def test_without_any_source_the_user_is_told_what_to_do(
    places: Places, closed_port: int, mirror: str, problem: str
) -> None:
    diary = Diary()
    with pytest.raises(DatasetNotFoundError, match="could not be fetched") as caught:
        locate(places=places, mirrors=[mirror.format(port=closed_port)], progress=diary)
    for way in ("apt install dataset-fashion-mnist", "--data-dir", "FMNIST_EDGE_DATA_DIR"):
        assert way in caught.value.hint
    assert install_command("download") in caught.value.hint
    assert problem in diary.said[0]
    assert "there is no apt-get here" in diary.said[-1]
    assert not places.cache.exists()


@pytest.mark.usefixtures("no_apt")
def test_a_mirror_that_never_answers_is_left_soon(places: Places) -> None:
    diary = Diary()
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        mirror = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        with pytest.raises(DatasetNotFoundError):
            locate(places=places, mirrors=[mirror], progress=diary)
    assert "no answer within 5 seconds" in diary.said[0]


def test_a_cache_that_cannot_be_written_is_an_error_of_its_own(
    server: MirrorServer, places: Places
) -> None:
    places.cache.parent.write_text("a file where a folder should be")
    with pytest.raises(StorageError, match=r"Cannot write .*part of its path is a file"):
        locate(places=places, mirrors=[server.mirror("right")])


def test_offline_asks_nobody(server: MirrorServer, places: Places) -> None:
    diary = Diary()
    with pytest.raises(DatasetNotFoundError, match=r"was not fetched \(offline\)"):
        locate(places=places, mirrors=None, progress=diary)
    assert server.asked == diary.said == diary.work == []


@pytest.mark.usefixtures("no_apt")
def test_without_pooch_the_mirrors_are_passed_over(
    server: MirrorServer, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    diary = Diary()
    with pytest.raises(DatasetNotFoundError, match="could not be fetched"):
        locate(places=places, mirrors=[server.mirror("right")], progress=diary)
    assert "The package 'pooch' is not installed" in diary.said[0]


def test_an_interrupted_download_leaves_nothing_behind(
    server: MirrorServer, places: Places, tmp_path: Path
) -> None:
    (tmp_path / "tmp").mkdir()
    script = (
        "import signal, sys; from pathlib import Path\n"
        "from fmnist_edge.dataset import Places, locate\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "cache, system, mirror = sys.argv[1:]\n"
        "locate(places=Places(Path(cache), Path(system)), mirrors=[mirror])\n"
    )
    arguments = (str(places.cache), str(places.system), server.mirror("slow"))
    with _started(script, *arguments, temporary=tmp_path / "tmp") as process:
        assert server.half_way.wait(30)
        assert list((tmp_path / "tmp").rglob("*"))
        process.send_signal(signal.SIGINT)
        assert process.wait(30) != 0
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not places.cache.exists()


@contextmanager
def _started(script: str, *arguments: str, temporary: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = ["env", f"TMPDIR={temporary}", sys.executable, "-c", script, *arguments]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


# Debian's package


@pytest.fixture
def apt_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets a test give this machine's apt other settings than its own."""

    def use(*lines: str) -> None:
        (tmp_path / "apt.conf").write_text("".join(f"{line};\n" for line in lines))
        monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))

    return use


@needs_apt
def test_the_debian_package_fills_the_cache(places: Places) -> None:
    diary = Diary()
    found = locate(places=places, mirrors=[], progress=diary)
    assert (found.path, found.source) == (places.cache, "debian")
    verify_folder(places.cache)
    assert diary.said == [f"No mirror serves {TRAIN_IMAGES.name}."]
    assert diary.work == [("Debian package dataset-fashion-mnist", None, 0)]
    assert diary.running == 0


@needs_apt
def test_absent_package_lists_are_fetched_privately(
    places: Places, tmp_path: Path, apt_settings: Callable[..., None]
) -> None:
    lists = tmp_path / "lists"
    (lists / "partial").mkdir(parents=True)
    apt_settings(f'Dir::State::Lists "{lists}"', f'Dir::Cache "{tmp_path / "apt-cache"}"')
    assert locate(places=places, mirrors=[]).source == "debian"
    assert [path for path in lists.rglob("*") if path.is_file() and path.name != "lock"] == []


@needs_apt
def test_a_debian_without_the_package_is_named(
    places: Places, tmp_path: Path, apt_settings: Callable[..., None]
) -> None:
    apt_settings(
        f'Dir::State::Lists "{tmp_path}"',
        'Dir::Etc::SourceList "/dev/null"',
        'Dir::Etc::SourceParts "/dev/null"',
    )
    diary = Diary()
    with pytest.raises(DatasetNotFoundError, match="could not be fetched"):
        locate(places=places, mirrors=[], progress=diary)
    assert "The Debian package dataset-fashion-mnist cannot be fetched: apt-get: " in diary.said[1]
    assert diary.running == 0
    assert not places.cache.exists()

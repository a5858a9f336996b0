"""Any names and bytes survive a bundle, and no byte of one can be another."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_edge.bundle import open_bundle, write_bundle
from fmnist_edge.bundle.names import problem_of_names
from fmnist_edge.errors import BundleError, UsageError
from tests.archives import bundle

# Letters of any script, which take one to four bytes each, and what other programs trip over.
_names = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/"), min_size=1)
_parts = _names.filter(lambda name: name not in {".", ".."}).map(lambda name: name[:40])
_files = st.dictionaries(
    st.lists(_parts, min_size=1, max_size=3).map(lambda parts: f"{'/'.join(parts)}.tflite"),
    st.binary(max_size=64),
    min_size=1,
    max_size=4,
)


@settings(max_examples=40)  # each writes through to the disk
@given(_files)
def test_any_names_and_bytes_survive(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name, "models"), Path(name, "b.zip")
        for path, payload in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(payload)
        paths = [folder / path for path in files]
        try:
            index = write_bundle(paths, out, data=None)
        except UsageError:
            assert problem_of_names([f"models/{path}" for path in files])
            return
        opened = open_bundle(out, Path(name, "cache"))
        assert opened.index == index
        assert sorted(each.read_bytes() for each in opened.models) == sorted(files.values())
        endings = {each.relative_to(opened.folder / "models").as_posix() for each in opened.models}
        assert all(any(path.endswith(ending) for path in files) for ending in endings)
        assert {each.name for each in Path(name).iterdir()} == {"models", "b.zip", "cache"}


def _refused(payload: bytes, folder: Path) -> bool:
    file = folder / "b.zip"
    file.write_bytes(payload)
    try:
        open_bundle(file, folder / "cache")
    except BundleError as error:
        return "\n" not in error.message
    return False


def test_every_changed_byte_is_found(tmp_path: Path) -> None:
    whole = bundle()
    for place, byte in enumerate(whole):
        other = byte ^ (1 << place % 8)
        damaged = whole[:place] + bytes([other]) + whole[place + 1 :]
        assert _refused(damaged, tmp_path), (place, byte, other)
    assert not _refused(whole, tmp_path)


def test_every_shorter_or_longer_file_is_found(tmp_path: Path) -> None:
    whole = bundle()
    for length in range(len(whole)):
        assert _refused(whole[:length], tmp_path), length
    assert _refused(whole + b"\0", tmp_path)


@given(st.binary(max_size=200), st.integers(0, 800), st.integers(0, 200))
def test_any_other_bytes_in_the_middle_are_found(given: bytes, start: int, cut: int) -> None:
    whole = bundle()
    damaged = whole[:start] + given + whole[start + cut :]
    with tempfile.TemporaryDirectory() as name:
        assert damaged == whole or _refused(damaged, Path(name))

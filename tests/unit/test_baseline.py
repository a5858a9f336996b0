"""The baseline is the same in every run, and nothing in it makes it slow by accident."""

import numpy as np

from fmnist_edge.arrays import read_arrays
from fmnist_edge.bench.baseline import EMPTY, FIXED_NETWORK, NO_MODEL, artifact_of
from fmnist_edge.runtimes import numpy_
from fmnist_edge.session import SessionOptions
from tests.examples import case


def test_what_reads_no_model_is_handed_none() -> None:
    assert artifact_of(NO_MODEL) is EMPTY
    assert EMPTY.payload == b""


def test_a_file_of_the_users_is_no_part_of_the_floor() -> None:
    assert artifact_of(case("(no model)").subject) is None
    assert artifact_of(case().subject) is None


def test_the_network_is_the_same_each_time_and_as_large_as_its_name_says() -> None:
    first, second = (artifact_of(FIXED_NETWORK) for _ in range(2))
    assert first is not None
    assert second is not None
    one, other = read_arrays(first.payload), read_arrays(second.payload)
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])
    assert FIXED_NETWORK.path == "(784-256-128-10 of noise)"
    assert [one[f"kernel_{index}"].shape for index in range(3)] == [
        (784, 256),
        (256, 128),
        (128, 10),
    ]


def test_no_value_in_the_network_is_so_small_that_it_is_slow() -> None:
    artifact = artifact_of(FIXED_NETWORK)
    assert artifact is not None
    session = numpy_.open(artifact, SessionOptions(batch=16))
    images = np.random.RandomState(0).randint(0, 256, (16, 28, 28)).astype(np.uint8)
    values = session.prepare(images).reshape(16, -1)
    for layer in session._layers:
        values = layer(values)
        smallest = np.abs(values[values != 0]).min()
        assert smallest > np.finfo(np.float32).tiny
        assert np.isfinite(values).all()

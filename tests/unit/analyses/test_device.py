"""The device seam: chosen by what is there, and explicit about what is not."""

import array_api_strict
import numpy as np
import pytest
from array_api_compat import is_numpy_namespace

from actstore.errors import RequestError
from analyses.similarity import device


def test_the_cpu_is_numpy():
    assert is_numpy_namespace(device.array_namespace("cpu"))


def test_auto_follows_what_is_there():
    assert is_numpy_namespace(device.array_namespace("auto")) is not device.cuda_available()


def test_an_unknown_device_is_refused():
    with pytest.raises(RequestError, match="auto, cpu, cuda"):
        device.array_namespace("tpu")


@pytest.mark.skipif(device.cuda_available(), reason="a CUDA device is there")
def test_cuda_without_a_device_is_refused():
    with pytest.raises(RequestError, match="no CUDA device"):
        device.array_namespace("cuda")


def test_half_precision_becomes_single_before_any_sum():
    xp = device.array_namespace("cpu")
    assert device.to_device(np.ones(3, np.float16), xp).dtype == np.float32
    assert device.to_device(np.ones(3, np.float64), xp).dtype == np.float64


def test_there_and_back():
    there = array_api_strict.Device("device1")
    value = np.arange(6, dtype=np.float32).reshape(2, 3)
    away = device.to_device(value, array_api_strict, there)
    assert away.device == there
    np.testing.assert_array_equal(device.to_host(away), value)


@pytest.mark.gpu
@pytest.mark.skipif(not device.cuda_available(), reason="no CUDA device")
def test_rsa_on_a_cuda_device():
    from analyses.similarity.rsa import rsa

    xp = device.array_namespace("cuda")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 32)).astype(np.float32)
    y = x + 0.3 * rng.standard_normal((500, 32)).astype(np.float32)
    assert rsa(device.to_device(x, xp), device.to_device(y, xp)) == pytest.approx(rsa(x, y), abs=1e-6)

"""Images: digits that are split fairly, and files of CIFAR-10 as they come, damaged, or made to do harm."""

import io
import os
import pickle
import struct
import tarfile

import numpy as np
import pytest
from sklearn.datasets import load_digits

from smbook.datasets import cifar10, digit_images
from smbook.datasets.images import standardized

# Digits


def unscaled(data):
    """Greys 0 to 16 of both parts, by the mean and deviation of the first."""
    pixels = load_digits().images
    scale = (data.inputs.max() - data.inputs.min()) / 16
    return [
        np.rint((part - data.inputs.min()) / scale)[:, 0] for part in (data.inputs, data.test_inputs)
    ], pixels


def test_digits_are_parted_without_loss_and_labelled():
    data = digit_images()
    parts, pixels = unscaled(data)
    known = sorted(
        (image.tobytes(), int(label)) for image, label in zip(pixels, load_digits().target, strict=True)
    )
    labels = (data.targets, data.test_targets)
    found = sorted(
        (image.astype(float).tobytes(), int(label))
        for part, each in zip(parts, labels, strict=True)
        for image, label in zip(part, each, strict=True)
    )
    assert found == known
    assert data.inputs.dtype == data.test_inputs.dtype == np.float32
    assert data.targets.dtype == data.test_targets.dtype == np.int64
    assert (data.inputs.shape, data.test_inputs.shape) == ((1437, 1, 8, 8), (360, 1, 8, 8))


@pytest.mark.parametrize("n_test", [10, 97, 360, 1000, 1787])
def test_each_digit_has_its_share_of_the_test(n_test):
    data = digit_images(n_test=n_test, rng=3)
    counts = np.bincount(load_digits().target)
    tested = np.bincount(data.test_targets, minlength=10)
    assert tested.sum() == n_test
    exact = counts * n_test / 1797
    more = tested > np.floor(exact)
    assert abs(tested - exact).max() < 1
    assert (exact % 1)[more].min(initial=1) >= (exact % 1)[~more].max(initial=0)
    assert (np.bincount(data.targets, minlength=10) == counts - tested).all()


def test_digits_have_mean_0_and_deviation_1_where_they_are_learned_from():
    data = digit_images()
    assert data.inputs.mean(dtype=float) == pytest.approx(0, abs=1e-6)
    assert data.inputs.std(dtype=float) == pytest.approx(1, abs=1e-6)
    assert 1e-4 < abs(data.test_inputs.mean(dtype=float)) < 0.1


def test_the_split_is_one_unless_said_and_in_random_order():
    assert digit_images() == digit_images() == digit_images(rng=0)
    assert digit_images() != digit_images(rng=1)
    for labels in (digit_images().targets, digit_images().test_targets):
        assert (np.diff(labels) < 0).sum() > 0.3 * len(labels)


@pytest.mark.parametrize(
    ("n_test", "error", "words"),
    [
        (9, ValueError, "n_test must be at least 10; got 9"),
        (1788, ValueError, "n_test must be at most 1787; got 1788"),
        (0.2, TypeError, "n_test must be an integer; got 0.2"),
    ],
)
def test_tests_without_digits_are_refused(n_test, error, words):
    with pytest.raises(error, match=words):
        digit_images(n_test=n_test)


def test_what_does_not_vary_is_shifted():
    (found,) = standardized([np.full((4, 2), 7.0)], axes=(0,))
    assert (found == 0.0).all()


# CIFAR-10. The files come from Python 2 and NumPy 1, which wrote what no Python 3 writes: short strings.

N = 20


def short(text):
    return b"U" + bytes([len(text)]) + text


def integer(number):
    return b"K" + bytes([number]) if number < 256 else b"J" + struct.pack("<i", number)


def batch(pixels, labels, *, name=b"training batch 1 of 5", code=b"u1", module=b"numpy.core.multiarray"):
    """A batch in the very opcodes of the published files."""
    names = b"".join(short(b"image_%04d.png" % k) for k in range(len(pixels)))
    rows, columns = pixels.shape
    array = (
        b"c" + module + b"\n_reconstruct\ncnumpy\nndarray\n" + integer(0) + b"\x85" + short(b"b") + b"\x87R"
    )
    kind = b"cnumpy\ndtype\n" + short(code) + integer(0) + integer(1) + b"\x87R"
    kind += b"(" + integer(3) + short(b"|") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + integer(0) + b"tb"
    content = b"T" + struct.pack("<i", pixels.size) + pixels.tobytes()
    array += b"(" + integer(1) + integer(rows) + integer(columns) + b"\x86" + kind + b"\x89" + content + b"tb"
    numbers = b"](" + b"".join(integer(int(label)) for label in labels) + b"e"
    entries = short(b"batch_label") + short(name) + short(b"labels") + numbers
    entries += short(b"data") + array + short(b"filenames") + b"](" + names + b"e"
    return b"\x80\x02}(" + entries + b"u."


def contents(seed=1):
    random = np.random.default_rng(seed)
    names = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
    return {
        name: (random.integers(256, size=(N, 3072), dtype=np.uint8), random.integers(10, size=N))
        for name in names
    }


def write(folder, known, **others):
    folder.mkdir(parents=True, exist_ok=True)
    for name, (pixels, labels) in known.items():
        (folder / name).write_bytes(others.get(name, batch(pixels, labels)))
    (folder / "readme.html").write_text("what else is there")
    return folder


def archive(path, folder, mode="w:gz"):
    with tarfile.open(path, mode) as files:
        files.add(folder.parent, ".", recursive=False)
        files.add(folder, "cifar-10-batches-py")
    return path


def test_the_opcodes_are_those_of_a_pickle_that_numpy_reads():
    pixels, labels = contents()["test_batch"]
    content = batch(pixels, labels, module=b"numpy._core.multiarray").replace(
        integer(0) + integer(1) + b"\x87R", b"\x89\x88\x87R"
    )
    found = pickle.loads(content, encoding="bytes")
    assert (found[b"data"] == pixels).all()
    assert found[b"labels"] == labels.tolist()
    assert found[b"filenames"][3] == b"image_0003.png"


def expected(known, names):
    pixels = np.concatenate([known[name][0] for name in names])
    return pixels.reshape(-1, 3, 32, 32).astype(float), np.concatenate([known[name][1] for name in names])


@pytest.mark.parametrize("place", ["folder", "above it", "archive", "above the archive", "plain tar"])
def test_files_are_read_wherever_they_are(tmp_path, place):
    known = contents()
    folder = write(tmp_path / "a" / "cifar-10-batches-py", known)
    (tmp_path / "b").mkdir()
    where = {
        "folder": lambda: folder,
        "above it": lambda: str(tmp_path / "a"),
        "archive": lambda: archive(tmp_path / "any name.tar.gz", folder),
        "above the archive": lambda: archive(tmp_path / "b" / "cifar-10-python.tar.gz", folder).parent,
        "plain tar": lambda: archive(tmp_path / "cifar.tar", folder, "w"),
    }
    data = cifar10(where[place]())
    images, labels = expected(known, [name for name in known if name != "test_batch"])
    tests, test_labels = expected(known, ["test_batch"])
    mean, deviation = images.mean(axis=(0, 2, 3), keepdims=True), images.std(axis=(0, 2, 3), keepdims=True)
    np.testing.assert_allclose(data.inputs, (images - mean) / deviation, atol=1e-5)
    np.testing.assert_allclose(data.test_inputs, (tests - mean) / deviation, atol=1e-5)
    assert (data.targets == labels).all()
    assert (data.test_targets == test_labels).all()
    assert data.inputs.dtype == data.test_inputs.dtype == np.float32
    assert data.targets.dtype == data.test_targets.dtype == np.int64
    assert repr(data) == "Split(100 examples and 20 for tests, inputs 3 x 32 x 32)"


def test_colours_come_before_rows_of_pixels(tmp_path):
    """A red pixel at the left of the second row is byte 32."""
    known = contents()
    for pixels, _ in known.values():
        pixels[:] = 0
        pixels[::2, 32] = 255
    data = cifar10(write(tmp_path, known))
    assert np.argwhere(data.inputs[0] == data.inputs.max()).tolist() == [[0, 1, 0]]
    assert (data.inputs[:, 1:] == 0).all()


def test_a_part_of_the_images_needs_a_part_of_the_files(tmp_path):
    known = contents()
    folder = write(tmp_path, known)
    whole = cifar10(folder)
    for name in ("data_batch_3", "data_batch_4", "data_batch_5"):
        os.remove(folder / name)
    data = cifar10(folder, n_train=25, n_test=7)
    assert (len(data.inputs), len(data.test_inputs)) == (25, 7)
    assert (data.targets == whole.targets[:25]).all()
    assert data.inputs.mean(axis=(0, 2, 3), dtype=float) == pytest.approx(np.zeros(3), abs=1e-5)
    with pytest.raises(FileNotFoundError, match="data_batch_3 is missing"):
        cifar10(folder)


def test_files_of_today_s_python_and_arrays_of_columns_are_read_too(tmp_path):
    known = contents()
    pixels, labels = known["test_batch"]
    for protocol in (3, 4):
        content = {b"data": np.asfortranarray(pixels), b"labels": labels.tolist()}
        modern = pickle.dumps(content, protocol=protocol)
        assert cifar10(write(tmp_path, known, test_batch=modern)) == cifar10(write(tmp_path, known))
    named = pickle.dumps({"data": pixels, "labels": labels.tolist()}, protocol=4)
    assert cifar10(write(tmp_path, known, test_batch=named)) == cifar10(write(tmp_path, known))


class Harm:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_file_that_would_run_something_is_refused_before_it_does(tmp_path):
    known, done = contents(), tmp_path / "done"
    harmful = pickle.dumps({b"data": Harm(str(done)), b"labels": []}, protocol=4)
    folder = write(tmp_path / "data", known, data_batch_2=harmful)
    with pytest.raises(
        ValueError, match=r"data_batch_2 must be a batch of CIFAR-10.*asks for (posix|nt).mkdir"
    ):
        cifar10(folder)
    assert not done.exists()
    pickle.load(io.BytesIO(harmful))
    assert done.exists()


def damaged(known):
    """What may be in a file instead, and words of the refusal."""
    pixels, labels = known["data_batch_2"]
    good = batch(pixels, labels)
    return {
        "empty": (b"", "Ran out of input"),
        "cut off": (good[: len(good) // 2], "damaged"),
        "a page": (b"<html>not found</html>", "damaged"),
        "a list": (pickle.dumps([1, 2]), "it has no 'data'"),
        "no labels": (pickle.dumps({b"data": pixels}, protocol=4), "it has no 'labels'"),
        "hundred classes": (batch(pixels, labels + 60), "labels go from 6"),
        "too few labels": (batch(pixels, labels[:-1]), r"20 images have labels of shape \(19,\)"),
        "other images": (batch(pixels[:, :3000], labels), "damaged"),
        "wide numbers": (batch(pixels, labels, code=b"u2"), "numbers of kind b'u2'"),
        "no array": (pickle.dumps({b"data": [1], b"labels": [1]}, protocol=4), "damaged"),
        "an object": (
            pickle.dumps({b"data": np.array([None]), b"labels": [1]}, protocol=4),
            "numbers of kind",
        ),
        "names": (pickle.dumps({b"data": b"", b"labels": ["cat"]}, protocol=4), "damaged"),
    }


@pytest.mark.parametrize("name", damaged(contents()))
def test_damaged_files_are_named(tmp_path, name):
    content, words = damaged(contents())[name]
    folder = write(tmp_path, contents(), data_batch_2=content)
    with pytest.raises(ValueError, match=rf"(?s)data_batch_2 must be a batch of CIFAR-10.*{words}"):
        cifar10(folder)


@pytest.mark.parametrize("damage", ["half", "start", "empty", "page", "a hole", "another archive"])
def test_damaged_archives_are_named(tmp_path, damage):
    """A hole among pixels, which are stored as they are, shows in the check sum alone."""
    folder = write(tmp_path / "a", contents())
    path = archive(tmp_path / "cifar-10-python.tar.gz", folder)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "half": whole[: len(whole) // 2],
            "start": whole[:10],
            "empty": b"",
            "page": b"<html>",
            "a hole": whole[:50_000] + bytes(byte ^ 1 for byte in whole[50_000:50_010]) + whole[50_010:],
            "another archive": whole,
        }[damage]
    )
    if damage == "another archive":
        with tarfile.open(path, "w:gz") as files:
            files.add(folder, "another")
    error = FileNotFoundError if damage == "another archive" else ValueError
    with pytest.raises(error, match=r"cifar-10-python.tar.gz must "):
        cifar10(path)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"where CIFAR-10 is; got '.*nowhere', which is not there"):
        cifar10(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="data_batch_1 is missing"):
        cifar10(tmp_path)
    with pytest.raises(TypeError, match="folder must be a path; got int"):
        cifar10(3)
    folder = write(tmp_path / "a", contents())
    (folder / "test_batch").unlink()
    with pytest.raises(FileNotFoundError, match="test_batch is missing"):
        cifar10(folder)
    path = archive(tmp_path / "cifar-10-python.tar.gz", folder)
    with pytest.raises(FileNotFoundError, match="cifar-10-batches-py/test_batch is missing"):
        cifar10(path)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"n_train": 0}, ValueError, "n_train must be at least 1; got 0"),
        ({"n_test": 2.5}, TypeError, "n_test must be an integer; got 2.5"),
        ({"n_train": 101}, ValueError, "n_train must be at most 100; got 101"),
        ({"n_test": 21}, ValueError, "n_test must be at most 20; got 21"),
    ],
)
def test_images_that_are_not_there_are_refused(tmp_path, options, error, words):
    with pytest.raises(error, match=words):
        cifar10(write(tmp_path, contents()), **options)

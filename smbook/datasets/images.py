"""Images with labels, for networks that classify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smbook import _checks
from smbook.datasets import _cifar
from smbook.datasets.split import Split
from smbook.kernels.rng import seed_state

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness

_DIGITS = 1797
_CLASSES = 10
_BLOCK = 1000  # images whose squares are held at once


def digit_images(*, n_test: int = 360, rng: Randomness = 0) -> Split:
    """Return scikit-learn's handwritten digits as images of 8 x 8 greys, split with all digits in both parts.

    Greys are shifted and scaled by one mean and one standard deviation, those of all pixels to learn from.
    Each digit has its share of the images to test with, up to rounding. Who wrote which image is not told:
    the same hands wrote both parts, so that the test is easier than one with other writers.

    Parameters
    ----------
    n_test
        How many of the 1797 images are to test with, from 10 to 1787.
    rng
        As for `smbook.ising.simulate`; the default is one fixed split.

    Returns
    -------
    Split
        Images float32 (n, 1, 8, 8) in random order, labels int64 (n,).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Alpaydin and Kaynak (1998).

    Examples
    --------
    >>> digit_images()
    Split(1437 examples and 360 for tests, inputs 1 x 8 x 8)
    """
    n_test = _checks.integer("n_test", n_test, minimum=_CLASSES, maximum=_DIGITS - _CLASSES)
    random = np.random.default_rng(seed_state(rng))
    from sklearn.datasets import load_digits  # which loads SciPy's larger part, for this alone

    found = load_digits()
    labels = found.target.astype(np.int64)
    order = random.permutation(len(labels))
    tested = np.zeros(len(labels), dtype=bool)
    for label, count in enumerate(_shares(np.bincount(labels), n_test)):
        tested[order[labels[order] == label][:count]] = True
    greys = found.images[:, None]
    parts = order[~tested[order]], order[tested[order]]
    images = standardized([greys[part] for part in parts], axes=(0, 1, 2, 3))
    return Split(images[0], labels[parts[0]], images[1], labels[parts[1]])


def cifar10(
    folder: str | os.PathLike[str], *, n_train: int | None = None, n_test: int | None = None
) -> Split:
    """Return the colour images of CIFAR-10 from files that are on your disk.

    These are the "python version": `data_batch_1` to `data_batch_5` and `test_batch`, in the folder
    `cifar-10-batches-py` or in the archive `cifar-10-python.tar.gz`, which is read as it is. They are
    pickles; nothing that they hold is run, and what is not made of arrays of bytes, numbers, texts, lists and
    dictionaries is refused.

    Each colour is shifted and scaled by its mean and standard deviation in the images to learn from.

    Parameters
    ----------
    folder
        The folder with the files, one that holds that folder or the archive, or the archive itself.
    n_train, n_test
        Take the first so many images only, at least 1; None takes all that the files hold, 50 000 and 10 000.

    Returns
    -------
    Split
        Images float32 (n, 3, 32, 32), red, green and blue; labels int64 (n,), 0 to 9 for aeroplane,
        automobile, bird, cat, deer, dog, frog, horse, ship, truck. All of it takes 740 MB.

    Raises
    ------
    FileNotFoundError
        If files are missing; it names the first.
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or a file is damaged or another kind of file.

    References
    ----------
    Krizhevsky (2009).
    """
    counts = [
        None if n is None else _checks.integer(name, n, minimum=1)
        for name, n in (("n_train", n_train), ("n_test", n_test))
    ]
    read = _cifar.opened(folder)
    (pixels, labels), (test_pixels, test_labels) = (
        _cifar.first(read, names, count) for names, count in zip(_cifar.FILES, counts, strict=True)
    )
    images = standardized([pixels, test_pixels], axes=(0, 2, 3))
    return Split(images[0], labels, images[1], test_labels)


def standardized(parts: list[NDArray[Any]], *, axes: tuple[int, ...]) -> list[NDArray[np.float32]]:
    """Return parts in float32, with mean 0 and deviation 1 of the first over these axes.

    What does not vary there is only shifted.
    """
    mean = parts[0].mean(axis=axes, keepdims=True, dtype=np.float64).astype(np.float32)
    images = [np.subtract(part, mean, dtype=np.float32) for part in parts]
    blocks = (images[0][k : k + _BLOCK] for k in range(0, len(images[0]), _BLOCK))
    squares = sum(np.square(block).sum(axis=axes, keepdims=True, dtype=np.float64) for block in blocks)
    deviation = np.sqrt(squares / (images[0].size / mean.size)).astype(np.float32)
    for image in images:
        np.divide(image, np.where(deviation > 0, deviation, np.float32(1)), out=image)
    return images


def _shares(counts: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return n parted in proportion to counts, by largest remainders."""
    exact = counts * n / counts.sum()
    found: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    late = np.argsort(found - exact, kind="stable")[: n - found.sum()]
    found[late] += 1
    return found

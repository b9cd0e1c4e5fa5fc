"""Machines on disk: runs that are broken off and go on to the same bits, and files that are no machines."""

import contextlib
import io
import itertools
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.boltzmann import RBM
from tests.boltzmann.exact import KINDS, all_units, bars_and_stripes, random_machine

ROOT = Path(__file__).parents[2]
PATTERNS = bars_and_stripes(3)
METHODS = ("pcd", "cd", "tempered", "exact")
OPTIONS = {
    "n_epochs": 6,
    "learning_rate": 0.1,
    "momentum": 0.5,
    "n_chains": 10,
    "n_temperatures": 4,
    "rng": 3,
}


def same(one, other):
    """Whether two machines are in the same state to the last bit, with all that they need to go on."""
    parts = ("weights_", "visible_biases_", "hidden_biases_", "chains_")
    return one.history_ == other.history_ and all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in parts
    )


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Going on


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("stop", [1, 4])
def test_a_run_that_was_broken_off_goes_on_to_the_same_bits(method, stop, tmp_path):
    whole = RBM(5, method=method, **OPTIONS).fit(PATTERNS)
    kept = RBM(5, method=method, **OPTIONS).fit(PATTERNS, checkpoints=tmp_path / "kept")
    assert same(kept, whole)
    folder = tmp_path / "broken"
    RBM(5, method=method, **OPTIONS).fit(
        PATTERNS, checkpoints=folder, callback=lambda machine: len(machine.history_.epoch) == stop
    )
    assert len(list(folder.iterdir())) == stop
    seen = []
    again = RBM(5, method=method, **OPTIONS)
    again.fit(PATTERNS, checkpoints=folder, callback=lambda machine: seen.append(len(machine.history_.epoch)))
    assert seen == list(range(stop + 1, 7))
    assert same(again, whole)
    for (name, one), other in zip(
        sorted(files(folder).items()), sorted(files(tmp_path / "kept")), strict=True
    ):
        assert name == other
        assert one == files(tmp_path / "kept")[name]
    again.partial_fit(PATTERNS)
    whole.partial_fit(PATTERNS)
    assert same(again, whole)


@pytest.mark.parametrize("method", METHODS)
def test_more_epochs_go_on_and_fewer_are_those_of_a_shorter_run(method, tmp_path):
    def fitted(n_epochs, **more):
        return RBM(5, method=method, **{**OPTIONS, "n_epochs": n_epochs}).fit(PATTERNS, **more)

    fitted(4, checkpoints=tmp_path)
    before = files(tmp_path)
    assert same(fitted(7, checkpoints=tmp_path), fitted(7))
    assert same(fitted(7, checkpoints=tmp_path), fitted(7))
    assert same(fitted(2, checkpoints=tmp_path), fitted(2))
    assert same(fitted(0, checkpoints=tmp_path), fitted(0))
    after = files(tmp_path)
    assert len(after) == 7
    assert all(after[name] == content for name, content in before.items())


def test_checkpoints_can_be_few(tmp_path):
    machine = RBM(5, **OPTIONS).fit(PATTERNS, checkpoints=str(tmp_path), checkpoint_every=4)
    assert sorted(files(tmp_path)) == ["epoch-000004.npz", "epoch-000006.npz"]
    (tmp_path / "epoch-000006.npz").unlink()
    assert same(RBM(5, **OPTIONS).fit(PATTERNS, checkpoints=tmp_path, checkpoint_every=4), machine)
    with pytest.raises(ValueError, match="checkpoint_every must be at least 1; got 0"):
        RBM(5, **OPTIONS).fit(PATTERNS, checkpoints=tmp_path, checkpoint_every=0)


def test_generators_and_no_seed_go_on_as_well(tmp_path):
    for name, rng in (("none", None), ("generator", np.random.default_rng(1))):
        folder = tmp_path / name
        options = OPTIONS | {"rng": rng}
        whole = RBM(5, **options).fit(PATTERNS, checkpoints=folder)
        for path in sorted(folder.iterdir())[2:]:
            path.unlink()
        assert same(RBM(5, **options).fit(PATTERNS, checkpoints=folder), whole)


KILLED = """
import sys
import numpy as np
from smbook.boltzmann import RBM

rows = np.load(sys.argv[1])
method, folder, n_epochs = sys.argv[2], sys.argv[3], int(sys.argv[4])
machine = RBM(6, method=method, n_epochs=n_epochs, learning_rate=0.1, momentum=0.5, n_chains=10,
              n_temperatures=4, rng=3)
print("begins", flush=True)
machine.fit(rows, checkpoints=folder, callback=lambda _: print("epoch", flush=True))
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_run_that_is_killed_at_random_moments_goes_on_to_the_same_bits(method, tmp_path):
    """kill -9, three times: before, while or after a checkpoint is written; leftovers are no checkpoints."""
    rows, folder, n_epochs = tmp_path / "rows.npy", tmp_path / "checkpoints", 60
    np.save(rows, PATTERNS)
    random = np.random.default_rng(len(method))
    command = [sys.executable, "-c", KILLED, str(rows), method, str(folder), str(n_epochs)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    kills = 0
    for _ in range(3):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(1 + random.integers(1, 12)):
            if not process.stdout.readline():
                break
        time.sleep(random.random() * 0.01)
        process.send_signal(signal.SIGKILL)
        process.stdout.read()
        kills += process.wait() == -signal.SIGKILL
        process.stdout.close()
    assert kills >= 2
    made = len(list(folder.glob("epoch-*.npz")))
    assert 0 < made < n_epochs
    options = OPTIONS | {"n_epochs": n_epochs}
    seen = []
    again = RBM(6, method=method, **options).fit(PATTERNS, checkpoints=folder, callback=seen.append)
    assert len(seen) == n_epochs - made
    assert same(again, RBM(6, method=method, **options).fit(PATTERNS))


def test_what_a_killed_run_leaves_half_written_is_passed_over(tmp_path):
    whole = RBM(5, **OPTIONS).fit(PATTERNS, checkpoints=tmp_path)
    (tmp_path / "epoch-000006.npz").rename(tmp_path / ".epoch-000006.npz.0123.part")
    (tmp_path / ".epoch-000006.npz.0123.part").write_bytes(b"PK half")
    assert same(RBM(5, **OPTIONS).fit(PATTERNS, checkpoints=tmp_path), whole)


# Checkpoints of something else

OTHERS = {
    "n_hidden": 6, "hidden": "spin", "method": "cd", "n_steps": 2, "learning_rate": 0.2, "momentum": 0.4,
    "weight_decay": 0.1, "batch_size": 7, "n_chains": 11, "n_temperatures": 5, "centering": False,
    "initial_scale": 0.1, "evaluate_every": 2, "dtype": "float64",
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_a_checkpoint_of_another_machine_is_refused(name, tmp_path):
    RBM(**{"n_hidden": 5} | OPTIONS).fit(PATTERNS, checkpoints=tmp_path)
    before = files(tmp_path)
    machine = RBM(**{"n_hidden": 5} | OPTIONS | {"n_epochs": 8, name: OTHERS[name]})
    with pytest.raises(ValueError, match=rf"epoch-000006\.npz belongs to another machine: {name} is"):
        machine.fit(PATTERNS, checkpoints=tmp_path)
    assert files(tmp_path) == before
    assert not hasattr(machine, "weights_")


def test_a_checkpoint_of_other_data_or_another_seed_is_refused(tmp_path):
    learned = RBM(5, **OPTIONS).fit(PATTERNS, checkpoints=tmp_path)
    before, expected = files(tmp_path), learned.weights_.tobytes()
    for data in (PATTERNS[::-1], PATTERNS[:-1], PATTERNS[:, :-1], 1 - PATTERNS):
        with pytest.raises(ValueError, match=r"epoch-000006\.npz belongs to other data"):
            learned.fit(data, checkpoints=tmp_path)
    with pytest.raises(ValueError, match="belongs to another run: rng is 3 there and 4 here"):
        RBM(5, **OPTIONS).set_params(rng=4).fit(PATTERNS, checkpoints=tmp_path)
    with pytest.raises(ValueError, match="visible is 'binary' there and 'spin' here"):
        RBM(5, visible="spin", **OPTIONS).fit(2 * PATTERNS - 1, checkpoints=tmp_path)
    assert files(tmp_path) == before
    assert learned.weights_.tobytes() == expected


# Files that are no machines


def damaged_files(tmp_path):
    """Names and files, none of which holds a machine, with what is said of it."""
    good = tmp_path / "good.npz"
    RBM(5, **OPTIONS).fit(PATTERNS).save(good)
    content = good.read_bytes()
    with np.load(good) as file:
        arrays = dict(file)
    about = json.loads(arrays["about"].tobytes())

    def npz(**changed):
        memory = io.BytesIO()
        np.savez(memory, **{name: part for name, part in (arrays | changed).items() if part is not None})
        return memory.getvalue()

    def told(**changed):
        return npz(about=np.frombuffer(json.dumps(about | changed).encode(), np.uint8))

    array = io.BytesIO()
    np.save(array, PATTERNS)
    objects = io.BytesIO()
    np.savez(objects, about=np.array([{"a": 1}], dtype=object))
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("hello.txt", "no array")
    return {
        "empty": b"",
        "text": b"This is no machine.\n",
        "a pickle": pickle.dumps({"weights": PATTERNS}),
        "a pickled machine": pickle.dumps(RBM()),
        "half": content[: len(content) // 2],
        "all but the end": content[:-30],
        "a flipped byte": content[:700] + bytes([content[700] ^ 255]) + content[701:],
        "an array": array.getvalue(),
        "objects": objects.getvalue(),
        "another archive": zipped.getvalue(),
        "without a description": npz(about=None),
        "a description that is no JSON": npz(about=np.frombuffer(b"{", np.uint8)),
        "a list": npz(about=np.frombuffer(b"[1]", np.uint8)),
        "another format": told(format="something.else"),
        "a later version": told(version=99),
        "no hyperparameters": told(hyperparameters=None),
        "kinds left out": told(hyperparameters={}),
        "another kind": told(hyperparameters=about["hyperparameters"] | {"hidden": "relu"}),
        "no epoch": told(epoch="first"),
        "no weights": npz(weights=None),
        "no base": npz(base=None),
        "no history": npz(history_epoch=None),
        "weights of nan": npz(weights=arrays["weights"] * np.nan),
        "biases of another size": npz(hidden_biases=np.zeros(7)),
        "words for weights": npz(weights=np.array([["a"]])),
    }


def test_a_file_that_holds_no_machine_is_refused(tmp_path):
    path = tmp_path / "machine.npz"
    for name, content in damaged_files(tmp_path).items():
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"machine\.npz is") as caught:
            RBM.load(path)
        assert str(path) in str(caught.value), name
        assert path.read_bytes() == content
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nowhere\.npz"):
        RBM.load(tmp_path / "nowhere.npz")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        RBM.load(tmp_path)


def test_a_damaged_checkpoint_ends_a_run_before_it_begins(tmp_path):
    """No older one is taken instead, as nobody would notice, and none is written over."""
    for name, content in damaged_files(tmp_path).items():
        folder = tmp_path / name
        RBM(5, **OPTIONS).fit(PATTERNS, checkpoints=folder)
        (folder / "epoch-000006.npz").write_bytes(content)
        before = files(folder)
        machine = RBM(5, **OPTIONS).set_params(n_epochs=8)
        with pytest.raises(ValueError, match=r"epoch-000006\.npz"):
            machine.fit(PATTERNS, checkpoints=folder)
        assert files(folder) == before
        assert not hasattr(machine, "weights_")


def test_a_saved_machine_is_no_checkpoint(tmp_path):
    """It has no chains to go on with."""
    machine = RBM(5, **OPTIONS).fit(PATTERNS, checkpoints=tmp_path)
    machine.save(tmp_path / "epoch-000009.npz")
    with pytest.raises(ValueError, match=r"epoch-000009\.npz belongs to other data"):
        RBM(5, **OPTIONS).fit(PATTERNS, checkpoints=tmp_path)


def test_a_checkpoint_from_which_an_array_is_missing_is_refused(tmp_path):
    RBM(5, **OPTIONS).fit(PATTERNS, checkpoints=tmp_path)
    path = tmp_path / "epoch-000006.npz"
    with np.load(path) as file:
        arrays = dict(file)
    for name, part in (
        ("chains", None),
        ("state", np.zeros(3, np.uint64)),
        ("velocity_weights", np.zeros((1, 1))),
    ):
        changed = {key: value for key, value in (arrays | {name: part}).items() if value is not None}
        np.savez(path, **changed)
        with pytest.raises(ValueError, match=f"epoch 6 is damaged: {name} is missing or misshapen"):
            RBM(5, **OPTIONS).set_params(n_epochs=8).fit(PATTERNS, checkpoints=tmp_path)


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_byte_that_is_wrong_is_noticed_or_means_nothing(where, change):
    """Anywhere in the file: the archive's checksums see it, or it is in a part that nobody reads."""
    content = bytearray(SAVED)
    content[where % len(content)] ^= change
    path = FOLDER / "byte.npz"
    path.write_bytes(content)
    with contextlib.suppress(ValueError):
        assert same(RBM.load(path), RBM.load(FOLDER / "good.npz"))


@pytest.fixture(autouse=True, scope="module")
def saved(tmp_path_factory):
    global FOLDER, SAVED
    FOLDER = tmp_path_factory.mktemp("saved")
    RBM(3, **OPTIONS).fit(PATTERNS).save(FOLDER / "good.npz")
    SAVED = (FOLDER / "good.npz").read_bytes()


# Saving


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_a_machine_comes_back_as_it_was(visible, hidden, dtype, tmp_path):
    machine = RBM(3, visible=visible, hidden=hidden, dtype=dtype, n_epochs=2, rng=np.int64(4))
    machine.fit(all_units(visible, 4)).save(tmp_path / "machine")
    found = RBM.load(tmp_path / "machine")
    assert sorted(files(tmp_path)) == ["machine"]
    assert found.history_ == machine.history_
    assert found.get_params() == machine.get_params()
    for name in ("weights_", "visible_biases_", "hidden_biases_"):
        assert getattr(found, name).tobytes() == getattr(machine, name).tobytes()
        assert getattr(found, name).dtype == dtype
    assert found.log_partition("annealed", betas=5) == machine.log_partition("annealed", betas=5)
    rows = [m.sample(5, n_sweeps=3, rng=1).tolist() for m in (found, machine)]
    assert rows[0] == rows[1]


def test_a_checkpoint_can_be_loaded_and_used(tmp_path):
    machine = RBM(5, **OPTIONS).fit(PATTERNS, checkpoints=tmp_path)
    found = RBM.load(tmp_path / "epoch-000006.npz")
    assert found.weights_.tobytes() == machine.weights_.tobytes()
    assert found.history_ == machine.history_
    assert found.score(PATTERNS) == machine.score(PATTERNS)
    found.partial_fit(PATTERNS)


def test_a_file_that_is_there_is_written_over_only_if_asked(tmp_path):
    path = tmp_path / "machine.npz"
    path.write_bytes(b"precious")
    machine = random_machine("binary", "spin")
    with pytest.raises(FileExistsError, match=r"machine\.npz is there already; overwrite=True"):
        machine.save(path)
    assert path.read_bytes() == b"precious"
    machine.save(path, overwrite=True)
    assert RBM.load(path).weights_.tobytes() == machine.weights_.tobytes()
    assert sorted(files(tmp_path)) == ["machine.npz"]
    with pytest.raises(FileExistsError):
        machine.save(tmp_path)


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "machine.npz"
    machine = random_machine("binary", "spin")
    machine.save(path)
    before = files(tmp_path)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        machine.save(path, overwrite=True)
    assert files(tmp_path) == before


def test_where_nothing_can_be_written_is_said_before_learning(tmp_path):
    """A file stands where the folder would be: root, too, cannot write there."""
    (tmp_path / "file").write_bytes(b"")
    learned = []
    for folder in (tmp_path / "file", tmp_path / "file" / "folder"):
        with pytest.raises((ValueError, OSError), match="file"):
            RBM(5, **OPTIONS).fit(PATTERNS, checkpoints=folder, callback=learned.append)
    assert learned == []
    with pytest.raises(OSError, match="nowhere"):
        random_machine("binary", "spin").save(tmp_path / "nowhere" / "machine.npz")
    assert sorted(files(tmp_path)) == ["file"]


def test_files_are_for_all_to_read_as_others_are(tmp_path):
    (tmp_path / "other").write_bytes(b"")
    random_machine("binary", "spin").save(tmp_path / "machine")
    assert (tmp_path / "machine").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_file_holds_plain_arrays_only(tmp_path):
    RBM(5, **OPTIONS).fit(PATTERNS, checkpoints=tmp_path)
    for path in itertools.islice(tmp_path.iterdir(), 2):
        with np.load(path, allow_pickle=False) as file:
            assert all(file[name].dtype.kind in "fiu" for name in file.files)

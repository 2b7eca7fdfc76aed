"""What an interrupted fit goes on from: one file, written whole or not at all."""

import json
import os
import pickle
from contextlib import contextmanager
from io import BytesIO
from pickle import UnpicklingError
from zipfile import BadZipFile

import numpy as np

from .._utils._containers import some

DAMAGE = (ValueError, KeyError, EOFError, AttributeError, TypeError, BadZipFile, UnpicklingError)

# What a fitted network is made of, beside the classes of mtlkit: no more is loaded from a file.
SAFE = {
    ("builtins", "set"),
    ("builtins", "slice"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
}


class StatePickler(pickle.Pickler):
    """Writes random generators as numbers."""

    def persistent_id(self, value):
        if isinstance(value, np.random.Generator):
            return id(value), value.bit_generator.state
        return None


class SafeUnpickler(pickle.Unpickler):
    """Loads arrays, random generators and networks; `own` is one more class, of a weighting."""

    def __init__(self, data, own):
        super().__init__(BytesIO(data))
        self.own, self.generators = own, {}

    def persistent_load(self, known):
        name, state = known
        if name not in self.generators:  # a network and its weighting draw from the same one
            self.generators[name] = np.random.default_rng(0)
            self.generators[name].bit_generator.state = state
        return self.generators[name]

    def find_class(self, module, name):
        if module == self.own.__module__ and name == self.own.__qualname__:
            return self.own
        of_network = module.startswith("mtlkit.neural.") and name.isidentifier()
        if (module, name) in SAFE or (of_network and name[0].isupper()):
            return super().find_class(module, name)
        raise UnpicklingError(f"it holds {module}.{name}, which is no part of a network")


def learned(estimator):
    """The attributes of an estimator that are no parameters."""
    known = estimator.get_params(deep=False)
    return {name: value for name, value in vars(estimator).items() if name not in known}


def forget(estimator):
    """Leave nothing of an earlier fit."""
    for name in learned(estimator):
        delattr(estimator, name)


def fitted_bytes(estimator):
    """What `fit` has learned, as an array of bytes."""
    file = BytesIO()
    StatePickler(file, protocol=4).dump(learned(estimator))
    return np.frombuffer(file.getvalue(), np.uint8)


def restore_fitted(estimator, data):
    """Put back what `fitted_bytes` has of an estimator with the same parameters."""
    own = type(getattr(estimator, "weighting", None))
    vars(estimator).update(SafeUnpickler(data.tobytes(), own).load())


def save(path, description, arrays):
    """Write arrays and what they were made of, such that a kill leaves the old file or the new."""
    if any(array.dtype.kind == "O" for array in arrays.values()):
        raise ValueError(
            "tasks that are neither numbers nor strings cannot be saved: cast the task column to "
            "strings, or leave state=None"
        )
    new = path.with_name(path.name + ".new")
    with open(new, "wb") as file:
        np.savez(file, description=np.array(json.dumps(description)), **arrays)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


@contextmanager
def refusing_damage(path):
    """An error inside, where a state is read, says which file it is."""
    try:
        yield
    except DAMAGE as error:
        raise ValueError(
            f"state {str(path)!r} is damaged or not a state ({error}): delete it to begin anew"
        ) from error


def load(path, description):
    """The arrays saved of a source and an estimator that are described so; None without a file."""
    if not path.exists():
        return None
    with refusing_damage(path), np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
        saved = json.loads(arrays.pop("description").item())
    differ = [key for key in saved if saved[key] != description.get(key)]
    if differ:
        raise ValueError(
            f"state {str(path)!r} was saved with other {some(differ)}: {saved[differ[0]]!r}, and "
            f"now {description.get(differ[0])!r}. Restore what it was, or delete the file to begin "
            "anew"
        )
    return arrays

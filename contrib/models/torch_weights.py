"""Reads the weights of a PyTorch file in the format from before version 1.6, without PyTorch and without running what it pickles."""

import pickle
import struct
from collections import OrderedDict

import numpy

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
DTYPES = {
    "FloatStorage": numpy.float32,
    "HalfStorage": numpy.float16,
    "LongStorage": numpy.int64,
}


class Storage:
    """A flat block of numbers that tensors are views of. Its data comes at the end of the file."""

    def __init__(self, dtype):
        self.dtype = numpy.dtype(dtype)
        self.data = None


class View:
    def __init__(self, storage, offset, shape, strides, *_):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def array(self):
        strides = [s * self.storage.dtype.itemsize for s in self.strides]
        start = self.storage.data[self.offset :]
        return numpy.lib.stride_tricks.as_strided(start, self.shape, strides).copy()


class Reader(pickle.Unpickler):
    """An unpickler that knows four names and refuses every other."""

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return View
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} has no place among weights")

    def persistent_load(self, reference):
        _, dtype, key = reference[:3]
        return self.storages.setdefault(key, Storage(dtype))


def read(path):
    """The arrays of the file by name."""
    with open(path, "rb") as file:
        if (pickle.load(file), pickle.load(file)) != (MAGIC, PROTOCOL):
            raise ValueError(f"{path} is no PyTorch file of the old format")
        pickle.load(file)  # word sizes of the machine that wrote it
        reader = Reader(file)
        views = reader.load()
        for key in pickle.load(file):
            storage = reader.storages[key]
            (count,) = struct.unpack("<q", file.read(8))
            storage.data = numpy.frombuffer(file.read(count * storage.dtype.itemsize), storage.dtype)
        return {name: view.array() for name, view in views.items()}

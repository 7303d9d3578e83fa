"""NanoDet: TensorFlow.js to ONNX, in the channel order that it was trained in. Usage: nanodet.py MODEL.json OUT.onnx

The TensorFlow.js graph is itself a conversion from an NCHW one: it transposes around every convolution and pads
before it. Here the transpositions vanish, the padding and the bias move into the convolutions, and the three heads
become one table: a row for each place of the 52, 26 and 13 squared grids, 80 class logits and 44 numbers of
box distances in each.
"""

import base64
import json
import math
import pathlib
import sys

import numpy

from graph import Graph, same_padding

SIDE = 416
ROW = 80 + 44


def read(path):
    """The nodes by name, in order, and the weights by name."""
    model = json.loads(path.read_text())
    weights = {}
    for group in model["weightsManifest"]:
        data = b"".join((path.parent / part).read_bytes() for part in group["paths"])
        offset = 0
        for entry in group["weights"]:
            dtype = numpy.dtype(entry.get("quantization", entry)["dtype"])
            count = math.prod(entry["shape"])
            array = numpy.frombuffer(data, dtype, count, offset).reshape(entry["shape"])
            weights[entry["name"]] = array.astype(entry["dtype"])
            offset += count * dtype.itemsize
    return {node["name"]: node for node in model["modelTopology"]["node"]}, weights


class NanoDet:
    def __init__(self, nodes, weights):
        self.nodes, self.weights = nodes, weights
        self.graph = Graph("nanodet", [1, 3, SIDE, SIDE])
        self.done = {}  # TensorFlow's name: (ours, channels, side)
        self.handlers = {
            "Placeholder": lambda node: ("input", 3, SIDE),
            "Transpose": lambda node: self.get(node["input"][0]),
            "Pad": lambda node: self.get(node["input"][0]),
            "PadV2": lambda node: self.get(node["input"][0]),
            "Conv2D": self.conv,
            "MaxPool": self.max_pool,
            "Add": self.add,
            "AddV2": self.add,
            "LeakyRelu": self.leaky_relu,
            "ConcatV2": self.concat,
            "ResizeBilinear": self.resize,
        }

    def get(self, name):
        if name not in self.done:
            node = self.nodes[name]
            self.done[name] = self.handlers[node["op"]](node)
        return self.done[name]

    def padding(self, name):
        """The padding that stands before a convolution or pooling: (before, after), the same both ways."""
        node = self.nodes[name]
        if node["op"] == "Transpose":
            return self.padding(node["input"][0])
        if node["op"] not in ("Pad", "PadV2"):
            return 0, 0
        pads = self.weights[node["input"][1]]
        assert not pads[:2].any() and (pads[2] == pads[3]).all(), pads
        return tuple(int(n) for n in pads[2])

    def conv(self, node, bias=None):
        source, kernel = node["input"]
        x, channels, side = self.get(source)
        weights = self.weights[kernel].transpose(3, 2, 0, 1)
        stride = int(node["attr"]["strides"]["list"]["i"][1])
        before, after = self.padding(source)
        if base64.b64decode(node["attr"]["padding"]["s"]) == b"SAME":
            output, before, after = same_padding(side, weights.shape[2], stride)
        else:
            output = (side + before + after - weights.shape[2]) // stride + 1
        groups = channels // weights.shape[1]
        pads = (before, before, after, after)
        name = self.graph.conv(x, node["name"], weights, bias, stride, pads, groups)
        return name, len(weights), output

    def max_pool(self, node):
        x, channels, side = self.get(node["input"][0])
        before, after = self.padding(node["input"][0])
        output = (side + before + after - 3) // 2 + 1
        pads = [before, before, after, after]
        name = self.graph.node("MaxPool", [x], node["name"], kernel_shape=[3, 3], strides=[2, 2], pads=pads)
        return name, channels, output

    def add(self, node):
        """An addition of two maps, or the bias of the convolution before it."""
        left, right = node["input"]
        if right in self.weights or left in self.weights:
            values, bias = (left, right) if right in self.weights else (right, left)
            conv = self.behind_transposes(values)
            assert conv["op"] == "Conv2D", conv
            return self.conv(conv, self.weights[bias].reshape(-1))
        (a, channels, side), (b, _, _) = self.get(left), self.get(right)
        return self.graph.node("Add", [a, b], node["name"]), channels, side

    def behind_transposes(self, name):
        node = self.nodes[name]
        return self.behind_transposes(node["input"][0]) if node["op"] == "Transpose" else node

    def leaky_relu(self, node):
        x, channels, side = self.get(node["input"][0])
        slope = node["attr"]["alpha"]["f"]
        return self.graph.node("LeakyRelu", [x], node["name"], alpha=slope), channels, side

    def concat(self, node):
        parts = [self.get(name) for name in node["input"][:-1]]
        name = self.graph.node("Concat", [part[0] for part in parts], node["name"], axis=1)
        return name, sum(part[1] for part in parts), parts[0][2]

    def resize(self, node):
        source, size = node["input"]
        x, channels, side = self.get(source)
        output = int(self.weights[size][0])
        factor = output / side
        scales = self.graph.constant(node["name"] + ".scales", numpy.array([1, 1, factor, factor], numpy.float32))
        name = self.graph.node(
            "Resize",
            [x, "", scales],
            node["name"],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
        return name, channels, output

    def build(self):
        """The whole graph: every head that is split into classes and distances, as rows of one table."""
        heads = [self.get(node["input"][0]) for node in self.nodes.values() if node["op"] == "SplitV"]
        heads.sort(key=lambda head: -head[2])
        assert [(channels, side) for _, channels, side in heads] == [(ROW, 52), (ROW, 26), (ROW, 13)], heads
        shape = self.graph.constant("rows.shape", numpy.array([1, ROW, -1], numpy.int64))
        flat = [self.graph.node("Reshape", [name, shape], f"rows.{side}") for name, _, side in heads]
        joined = self.graph.node("Concat", flat, "rows.joined", axis=2)
        self.graph.node("Transpose", [joined], "rows", perm=[0, 2, 1])
        return self.graph, sum(side * side for _, _, side in heads)


if __name__ == "__main__":
    graph, rows = NanoDet(*read(pathlib.Path(sys.argv[1]))).build()
    graph.save(sys.argv[2], [("rows", [1, rows, ROW])])

"""EfficientNet-Lite2: PyTorch weights to ONNX. Usage: lite2.py WEIGHTS.pth OUT.onnx"""

import math
import sys

import numpy

import torch_weights
from graph import Graph, same_padding

RESOLUTION = 260
DEPTH = 1.2
# (blocks before scaling by DEPTH, stride of the first); the first and the last stage are not scaled.
STAGES = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)]
# Batch normalisation divides by sqrt(variance + EPSILON).
EPSILON = 1e-3


class Lite2:
    def __init__(self, weights):
        self.weights = weights
        self.graph = Graph("efficientnet-lite2", [1, 3, RESOLUTION, RESOLUTION])
        self.zero = self.graph.constant("zero", numpy.float32(0))
        self.six = self.graph.constant("six", numpy.float32(6))

    def layer(self, x, size, conv, norm, stride=1, activate=True):
        """A convolution with its batch normalisation folded in, then ReLU6. Gives the output and its side."""
        weights = self.weights[conv + ".weight"].astype(numpy.float64)
        scale, shift, mean, variance = (
            self.weights[f"{norm}.{part}"].astype(numpy.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = scale / numpy.sqrt(variance + EPSILON)
        output, before, after = same_padding(size, weights.shape[2], stride)
        x = self.graph.conv(
            x,
            conv,
            weights * scale[:, None, None, None],
            shift - mean * scale,
            stride,
            (before, before, after, after),
            groups=len(weights) if "depthwise" in conv else 1,
        )
        if activate:
            x = self.graph.node("Clip", [x, self.zero, self.six], conv + ".relu6")
        return x, output

    def block(self, x, size, index, stride):
        """Expand, look around, project back; added to the input where the shapes are the same."""
        at = f"_blocks.{index}."
        start, channels = x, self.channels(index)
        if at + "_expand_conv.weight" in self.weights:
            x, size = self.layer(x, size, at + "_expand_conv", at + "_bn0")
        x, size = self.layer(x, size, at + "_depthwise_conv", at + "_bn1", stride)
        x, size = self.layer(x, size, at + "_project_conv", at + "_bn2", activate=False)
        if stride == 1 and channels == len(self.weights[at + "_project_conv.weight"]):
            x = self.graph.node("Add", [x, start], at + "add")
        return x, size

    def channels(self, index):
        """Channels that enter a block."""
        expand = self.weights.get(f"_blocks.{index}._expand_conv.weight")
        if expand is not None:
            return expand.shape[1]
        return len(self.weights[f"_blocks.{index}._depthwise_conv.weight"])

    def build(self):
        x, size = self.layer("input", RESOLUTION, "_conv_stem", "_bn0", stride=2)
        index = 0
        for stage, (blocks, stride) in enumerate(STAGES):
            fixed = stage in (0, len(STAGES) - 1)
            for block in range(blocks if fixed else math.ceil(blocks * DEPTH)):
                x, size = self.block(x, size, index, stride if block == 0 else 1)
                index += 1
        assert f"_blocks.{index}._bn1.weight" not in self.weights, "blocks left over"
        x, _ = self.layer(x, size, "_conv_head", "_bn1")
        x = self.graph.node("GlobalAveragePool", [x], "pool")
        x = self.graph.node("Flatten", [x], "embedding", axis=1)
        matrix = self.graph.constant("_fc.weight", self.weights["_fc.weight"])
        bias = self.graph.constant("_fc.bias", self.weights["_fc.bias"])
        self.graph.node("Gemm", [x, matrix, bias], "logits", transB=1)
        return self.graph


if __name__ == "__main__":
    model = Lite2(torch_weights.read(sys.argv[1]))
    width = len(model.weights["_conv_head.weight"])
    model.build().save(sys.argv[2], [("logits", [1, 1000]), ("embedding", [1, width])])

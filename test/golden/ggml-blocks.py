"""Writes ggml-blocks.json: what ggml itself makes of random blocks and random numbers.

    python3 test/golden/ggml-blocks.py node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libggml-base.so

The library is that of llama.cpp v0.5.0 in node-llama-cpp 3.22.1. Binary content is base64, floats little endian.
"""

import base64, ctypes, json, os, random, struct, sys

library = ctypes.CDLL(sys.argv[1])
rng = random.Random(20261125)
# Elements and bytes of a block, and where its float16 lie.
TYPES = {
    "Q8_0": ("q8_0", 32, 34, [0]),
    "Q4_0": ("q4_0", 32, 18, [0]),
    "Q4_1": ("q4_1", 32, 20, [0, 2]),
    "Q5_0": ("q5_0", 32, 22, [0]),
    "Q5_1": ("q5_1", 32, 24, [0, 2]),
    "Q2_K": ("q2_K", 256, 84, [80, 82]),
    "Q3_K": ("q3_K", 256, 110, [108]),
    "Q4_K": ("q4_K", 256, 144, [0, 2]),
    "Q5_K": ("q5_K", 256, 176, [0, 2]),
    "Q6_K": ("q6_K", 256, 210, [208]),
}


def text(data):
    return base64.b64encode(bytes(data)).decode()


def block(size, halves):
    data = bytearray(rng.randbytes(size))
    for at in halves:
        data[at : at + 2] = struct.pack("<e", rng.uniform(-0.1, 0.1))
    return bytes(data)


dequantised = {}
for name, (suffix, elements, size, halves) in TYPES.items():
    count = 6 if elements == 32 else 2
    data = b"".join(block(size, halves) for _ in range(count))
    out = (ctypes.c_float * (count * elements))()
    getattr(library, f"dequantize_row_{suffix}")(data, out, ctypes.c_int64(count * elements))
    dequantised[name] = {"blocks": text(data), "values": text(out)}

# Ordinary numbers, steps of 1/16 (halves between two numbers of the grid), zeros, and a block with a largest size at both ends.
values = [rng.gauss(0, 1) for _ in range(320)] + [rng.randint(-128, 128) / 16 for _ in range(320)] + [0.0] * 32
values += [-1.0, 1.0] * 16 + [rng.gauss(0, 1e-7) for _ in range(32)]
source = (ctypes.c_float * len(values))(*values)
quantised = {}
for name in ["Q4_0", "Q8_0"]:
    suffix, elements, size, _ = TYPES[name]
    out = (ctypes.c_uint8 * (len(values) // elements * size))()
    getattr(library, f"quantize_row_{suffix}_ref")(source, out, ctypes.c_int64(len(values)))
    quantised[name] = text(out)

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ggml-blocks.json")
with open(path, "w") as file:
    json.dump({"dequantised": dequantised, "quantised": {"values": text(source), **quantised}}, file, indent=1)
    file.write("\n")

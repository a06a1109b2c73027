# SPDX-License-Identifier: MIT
"""Prints an event file as lines "seconds step tag bits", independently of how it was
written: the checksum bit by bit from its definition, protocol buffers by hand. `bits`:
of the single-precision value, in hexadecimal."""
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)  # 0x1EDC6F41 mirrored
    return crc ^ 0xFFFFFFFF


def check(data, kept):
    crc = crc32c(data)
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert struct.pack("<I", masked) == kept, "checksum"


def records(data):
    at = 0
    while at < len(data):
        (length,) = struct.unpack("<Q", data[at : at + 8])
        check(data[at : at + 8], data[at + 8 : at + 12])
        body = data[at + 12 : at + 12 + length]
        assert len(body) == length, "torn"
        check(body, data[at + 12 + length : at + 16 + length])
        yield body
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        else:
            if kind == 2:
                length, at = varint(data, at)
            else:
                length = {1: 8, 5: 4}[kind]
            value = data[at : at + length]
            assert len(value) == length, "torn"
            at += length
        yield key >> 3, value


for number, record in enumerate(records(open(sys.argv[1], "rb").read())):
    event = dict(fields(record))
    (seconds,) = struct.unpack("<d", event[1])
    if number == 0:
        assert set(event) == {1, 3}, event
        print(f"{seconds:.6f} {event[3].decode()}")
        continue
    assert set(event) == {1, 2, 5}, event
    for field, summary in fields(event[5]):
        assert field == 1, field
        value = dict(fields(summary))
        assert set(value) == {1, 2}, value
        (bits,) = struct.unpack("<I", value[2])
        print(f"{seconds:.6f} {event[2]} {value[1].decode()} {bits:08x}")

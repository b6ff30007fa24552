"""An unpickler that admits arrays: what Python 2 and 3 write is read, and nothing that a pickle names is executed."""

import io
import os
import pickle
import pickletools
import struct

import numpy as np
import pytest

from sofim_ref.datasets.published import read_array_pickle

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


class Call:
    """What a pickle asks to be called, when it is loaded."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


def python_2(array):
    """The pickle of {"data": array, "labels": [3, 9]} as Python 2 wrote it: protocol 2, byte strings, NumPy 1."""
    raw = array.tobytes(order="A")

    def text(content):
        return b"U" + bytes([len(content)]) + content

    order = b"\x89" if array.flags.c_contiguous else b"\x88"
    shape = b"".join(b"K" + bytes([n]) for n in array.shape)
    dtype = b"cnumpy\ndtype\n" + text(array.dtype.str.lstrip("<|>").encode()) + b"K\x00K\x01\x87R(K\x03"
    dtype += text(b"<" if array.dtype.itemsize > 1 else b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
    state = b"(K\x01(" + shape + b"t" + dtype + order + b"T" + struct.pack("<i", len(raw)) + raw + b"tb"
    return b"\x80\x02}(" + text(b"data") + made + state + text(b"labels") + b"](K\x03K\x09eu."


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1)[3:])
@pytest.mark.parametrize("array", [PIXELS, PIXELS.T, PIXELS.astype(">f8"), np.asarray(2.5), np.zeros((0, 3), np.int16)])
def test_arrays_of_python_3_are_read(array, protocol):
    found = read_array_pickle(pickle.dumps({"data": array, b"labels": [1, 2], "note": ("a", None, 1.5)}, protocol))
    assert np.array_equal(found["data"], array)
    assert found["data"].dtype == array.dtype
    assert found[b"labels"] == [1, 2]
    assert found["note"] == ("a", None, 1.5)


@pytest.mark.parametrize("array", [PIXELS, np.asfortranarray(PIXELS), np.arange(250, dtype="<i4")[:8]])
def test_arrays_of_python_2_are_read(array):
    content = python_2(array)
    pickletools.dis(content, out=io.StringIO())  # it is a pickle
    assert np.array_equal(pickle.loads(content, encoding="latin1")["data"], array)
    found = read_array_pickle(content)
    assert np.array_equal(found["data"], array)
    assert found["labels"] == [3, 9]


def touching(path):
    """Pickles that would make a file, each in another way, if anything in them were executed."""
    command = f"touch {path}"
    yield pickle.dumps(Call(os.system, command))
    yield pickle.dumps({"data": PIXELS, "labels": [Call(os.system, command)]})
    yield pickle.dumps(Call(eval, f"__import__('os').system({command!r})"))
    yield pickle.dumps(Call(os.mknod, str(path)))
    yield b"cos\nsystem\n(S'" + command.encode() + b"'\ntR."
    yield b"(S'" + command.encode() + b"'\nios\nsystem\n."
    yield b"(cos\nsystem\nS'" + command.encode() + b"'\no."
    yield b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c" + bytes([len(command)]) + command.encode() + b"\x85R."
    yield b"\x80\x02cnumpy\nload\nU" + bytes([len(str(path))]) + str(path).encode() + b"\x85R."


def test_nothing_that_a_pickle_names_is_executed(tmp_path):
    for content in touching(tmp_path / "touched"):
        with pytest.raises(ValueError, match=r"it names \w+\.\w+, and only arrays, numbers"):
            read_array_pickle(content)
    assert not (tmp_path / "touched").exists()


def test_the_payloads_would_have_done_it(tmp_path):
    for number, content in enumerate(list(touching(tmp_path / "touched"))[:8]):
        pickle.loads(content)
        assert (tmp_path / "touched").exists(), number
        (tmp_path / "touched").unlink()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(np.asarray([PIXELS, "text"], dtype=object)), "dtype 'O8', and only numbers"),
        (pickle.dumps(np.asarray(["text"])), "dtype 'U4', and only numbers"),
        (pickle.dumps(np.zeros(2, "u1,f4")), "and only numbers|names"),
        (pickle.dumps(np.float64(1.0)), r"multiarray\.scalar"),
        (pickle.dumps({1, 2}, 2), r"it names __builtin__\.set"),
        (pickle.dumps(PIXELS)[:-20], "can't be read as a pickle"),
        (b"", "can't be read as a pickle"),
        (b"\x89PNG", "can't be read as a pickle"),
        (pickle.dumps(PIXELS, 2), r"it names _codecs\.encode"),
        (b"cnumpy\nndarray\n}S'build'\nS'x'\nsb.", "changes what makes arrays"),
        (b"cnumpy\ndtype\nN}S'build'\nS'x'\ns\x86b.", "changes what makes arrays"),
        (b"Pos\n.", "can't be read as a pickle"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(content, message):
    with pytest.raises(ValueError, match=message):
        read_array_pickle(content)


def test_a_list_that_contains_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="can't be read as a pickle"):
        read_array_pickle(pickle.dumps(endless))

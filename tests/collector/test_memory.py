"""What is asked of the allocators and the kernel."""

import os
import subprocess
import sys

import pyarrow as pa
import pytest

from spanledger_collector import memory, rows


def test_the_engines_allocator_is_asked_to_give_back_unless_it_was_told_otherwise(monkeypatch):
    monkeypatch.setenv("JE_MALLOC_CONF", "narenas:1")
    memory.engine_gives_back()
    assert os.environ["JE_MALLOC_CONF"] == "narenas:1"
    monkeypatch.delenv("JE_MALLOC_CONF")
    memory.engine_gives_back()
    assert "dirty_decay_ms" in os.environ["JE_MALLOC_CONF"]


MAPPINGS = """\
7f0000000000-7f0000001000 r--p 00000000 fe:00 1 /lib/one.so
Rss:                   4 kB
Anonymous:             0 kB
VmFlags: rd mr mw me
7f0000001000-7f0000003000 r-xp 00001000 fe:00 1 /lib/one.so
Rss:                   8 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
7f0000003000-7f0000004000 r--p 00003000 fe:00 1 /lib/one.so
Rss:                   4 kB
Anonymous:             4 kB
VmFlags: rd mr mw me ac
7f0000004000-7f0000005000 rw-p 00004000 fe:00 1 /lib/one.so
Rss:                   4 kB
Anonymous:             0 kB
VmFlags: rd wr mr mw me ac
7f0000005000-7f0000006000 r--p 00000000 00:00 0
Rss:                   4 kB
Anonymous:             0 kB
VmFlags: rd mr mw me ac
"""


def test_only_what_is_in_the_file_as_well_is_forgotten():
    """The third was relocated when it was loaded, the fourth may be written to, the last is of no file."""
    assert list(memory._unchanged(MAPPINGS)) == [(0x7F0000000000, 0x7F0000001000), (0x7F0000001000, 0x7F0000003000)]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_what_is_forgotten_takes_no_memory_and_works_when_it_is_needed():
    done = subprocess.run([sys.executable, "-c", FORGET], capture_output=True, text=True, timeout=120, check=True)
    before, after, total = map(int, done.stdout.split())
    assert after < before
    assert total == 3


FORGET = """
import pyarrow, pyarrow.compute, re
from pathlib import Path
from spanledger_collector import memory
def of_files():
    return re.search(r"RssFile:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
before = of_files()
memory.tidy()
print(before, of_files(), pyarrow.compute.sum(pyarrow.array([1, 2])).as_py())
"""


def test_rows_with_nanoseconds_are_read_without_pandas():
    """A server without an embedded store has none installed."""
    code = (
        "from spanledger_collector import memory; memory.without_pandas(); import pyarrow as pa; "
        "from spanledger_collector.rows import records; "
        "print(records(pa.table({'at': pa.array([1_234_567_891], pa.timestamp('ns', 'UTC'))}))[0]['at'].isoformat())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "1970-01-01T00:00:01.234567+00:00"


def test_equal_texts_of_many_rows_are_one_object():
    table = pa.table({"model": ["gpt-4.1", None, "gpt-4.1"] * 2, "tokens": range(6)})
    chunked = pa.concat_tables([table.slice(0, 4), table.slice(4)])
    found = rows.records(chunked)
    assert found == chunked.to_pylist()
    assert len({id(row["model"]) for row in found}) == 2


def test_an_array_of_a_list_brings_no_pandas_along():
    without = "from spanledger_collector import memory; memory.without_pandas(); "
    asked = "import pyarrow, sys; pyarrow.array([1]); print('pandas' in sys.modules)"
    for code, answer in ((without + asked, "False"), (asked, "True")):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
        assert done.stdout.strip() == answer, "Arrow does not look for pandas any more: without_pandas can go"

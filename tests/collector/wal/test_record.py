"""What is read back from a segment's bytes, whole or damaged."""

from hypothesis import given
from hypothesis import strategies as st

from spanledger_collector.wal.record import HEADER_BYTES, Damage, Record, header, records

BODIES = st.lists(st.binary(max_size=200), max_size=6)


SIGNALS = ("traces", "logs", "metrics")


def segment(*bodies: bytes) -> bytes:
    return b"".join(header(7, body, SIGNALS[place % 3]) + body for place, body in enumerate(bodies))


def read(data: bytes) -> list[bytes]:
    return [item.body for item in records(data) if isinstance(item, Record)]


def damage(data: bytes) -> list[str]:
    return [item.kind for item in records(data) if isinstance(item, Damage)]


@given(BODIES)
def test_every_record_comes_back_byte_for_byte(bodies):
    assert read(segment(*bodies)) == bodies


@given(BODIES, st.integers(min_value=0))
def test_a_torn_tail_costs_only_the_records_it_cut(bodies, cut):
    data = segment(*bodies)
    kept = data[: cut % (len(data) + 1)]
    whole = [body for index, body in enumerate(bodies) if len(segment(*bodies[: index + 1])) <= len(kept)]
    assert read(kept) == whole
    assert set(damage(kept)) <= {"torn"}


@given(st.integers(0, 6 * (HEADER_BYTES + 20) - 1), st.integers(0, 7))
def test_one_flipped_bit_costs_one_record(position, bit):
    bodies = [bytes([index]) * 20 for index in range(6)]
    data = bytearray(segment(*bodies))
    data[position] ^= 1 << bit
    hit = position // (HEADER_BYTES + 20)
    assert read(bytes(data)) == bodies[:hit] + bodies[hit + 1 :]
    assert len(damage(bytes(data))) == 1


def test_a_flipped_bit_in_the_last_record_is_no_torn_tail():
    data = bytearray(segment(b"first", b"last"))
    data[-1] ^= 1
    assert damage(bytes(data)) == ["checksum"]


def test_zeros_after_a_power_cut_are_a_torn_tail():
    assert damage(segment(b"first") + bytes(4096)) == ["torn"]


def test_the_receive_time_is_kept():
    assert [item.received_ns for item in records(header(123, b"x") + b"x")] == [123]


def test_each_record_keeps_its_signal():
    assert [item.signal for item in records(segment(b"a", b"b", b"c"))] == ["traces", "logs", "metrics"]

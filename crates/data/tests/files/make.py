"""Writes the Parquet files of this folder, with pyarrow 26.0.1: python3 make.py

The bytes may differ from one release of pyarrow to the next, so the files are kept. What they hold is
said in ../parquet.rs, which reads them.
"""

import datetime
import decimal
import pathlib
import struct

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
DAY = datetime.date
AT = datetime.datetime


def write(name, table, **options):
    pq.write_table(table, HERE / f"{name}.parquet", **options)


def orders():
    """The rows of the comparison of all formats: 60 orders of four countries over two years."""
    countries = ["DE", "FR", "SE", None]
    rows = range(60)
    return pa.table(
        {
            "order_id": pa.array([1000 + n for n in rows], pa.int64()),
            "country": pa.array([countries[n % 4] for n in rows], pa.string()),
            "ordered_on": pa.array([DAY(2020 + n // 30, 1 + n % 12, 1 + n % 28) for n in rows], pa.date32()),
            "amount": pa.array([decimal.Decimal(1234 + n * 377) / 100 for n in rows], pa.decimal128(9, 2)),
            "items": pa.array([None if n % 17 == 5 else n % 5 + 1 for n in rows], pa.int32()),
            "paid": pa.array([n % 3 != 0 for n in rows], pa.bool_()),
        }
    )


def kinds():
    """A column of every type, three rows: a usual value, an unusual one, none."""
    return pa.table(
        {
            "flag": pa.array([True, False, None], pa.bool_()),
            "tiny": pa.array([1, -128, None], pa.int8()),
            "whole": pa.array([1, -(2**63), None], pa.int64()),
            "unsigned": pa.array([1, 2**64 - 1, None], pa.uint64()),
            "half": pa.array([1.5, -2.0, None], pa.float16()),
            "single": pa.array([0.1, -1e30, None], pa.float32()),
            "double": pa.array([0.1, float("nan"), None], pa.float64()),
            "money": pa.array([decimal.Decimal("12.34"), decimal.Decimal("-0.05"), None], pa.decimal128(9, 2)),
            "exact": pa.array([decimal.Decimal("1.5"), decimal.Decimal("12345678901234567890.12"), None], pa.decimal128(30, 2)),
            "huge": pa.array([decimal.Decimal("2"), decimal.Decimal("-" + "9" * 70), None], pa.decimal256(76, 0)),
            "day": pa.array([DAY(2020, 2, 29), DAY(1, 1, 1), None], pa.date32()),
            "at_millis": pa.array([AT(2020, 2, 29, 12, 30), AT(1969, 12, 31, 23, 59, 59, 999000), None], pa.timestamp("ms")),
            "at_micros": pa.array([AT(2020, 2, 29, 12, 30), AT(2020, 1, 1, 0, 0, 0, 1), None], pa.timestamp("us", "UTC")),
            "at_nanos": pa.array([AT(2020, 2, 29, 12, 30), AT(2020, 1, 1, 0, 0, 0, 1), None], pa.timestamp("ns")),
            "clock": pa.array([datetime.time(8, 15), datetime.time(23, 59, 59, 500000), None], pa.time64("us")),
            "text": pa.array(["Köln", "", None], pa.string()),
            "bytes": pa.array([b"plain", b"\xff\x00", None], pa.binary()),
            "coded": pa.array(["a", "b", None], pa.string()).dictionary_encode(),
            "tags": pa.array([["x", None, 'y"'], [], None], pa.list_(pa.string())),
            "place": pa.array([{"city": "Bern", "at": [46.9, 7.4]}, {"city": None, "at": None}, None],
                              pa.struct([("city", pa.string()), ("at", pa.list_(pa.float64()))])),
            "counts": pa.array([[("b", 2), ("a", 1)], [], None], pa.map_(pa.string(), pa.int32())),
            "nothing": pa.array([None, None, None], pa.null()),
        }
    )


def broken():
    whole = (HERE / "orders.parquet").read_bytes()
    length = struct.unpack("<I", whole[-8:-4])[0]
    # Cut off, cut off in the footer, a footer of nothing, a longer footer than file.
    (HERE / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    footer = len(whole) - 8 - length
    (HERE / "footer.parquet").write_bytes(whole[:footer] + b"\xff" * length + whole[-8:])
    (HERE / "long-footer.parquet").write_bytes(whole[:-8] + struct.pack("<I", 2**31) + whole[-4:])
    # The number of rows is written as a zigzag varint: 60 rows are the byte 120. The last one of these in
    # a field (0x16) is that of the whole file, the one before it that of the row group.
    places = [n for n in range(footer, len(whole) - 8) if whole[n] == 0x16 and whole[n + 1] == 120]
    every = bytearray(whole)
    for place in places:
        every[place + 1] = 126
    (HERE / "more-rows.parquet").write_bytes(every)
    one = bytearray(whole)
    one[places[0] + 1] = 110
    (HERE / "rows-differ.parquet").write_bytes(one)


def small_bomb():
    """Six million rows of nothing in a few bytes."""
    writer = pq.ParquetWriter(HERE / "bomb.parquet", pa.schema([("a", pa.int8())]), compression="zstd")
    for _ in range(6):
        writer.write_table(pa.table({"a": pa.nulls(1_000_000, pa.int8())}), row_group_size=1_000_000)
    writer.close()


write("orders", orders(), compression="snappy")
write("orders-zstd", orders(), compression="zstd", row_group_size=17, data_page_version="2.0")
write("orders-lz4", orders(), compression="lz4", use_dictionary=False)
write("orders-gzip", orders(), compression="gzip", write_page_checksum=True)
write("kinds", kinds(), compression="none", version="2.6")
write("int96", pa.table({"at": pa.array([AT(2020, 2, 29, 12, 30)], pa.timestamp("ns"))}), use_deprecated_int96_timestamps=True)
write("empty", orders().slice(0, 0))
write("no-columns", pa.table({}))
write("names", pa.table([[1], [2], [3]], names=["A", "a", ""]))
broken()
small_bomb()

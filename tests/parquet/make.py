"""Makes rows.parquet and rows-zstd.parquet of rows.jsonl, with pyarrow: `python3 tests/parquet/make.py`.

rows.jsonl is the same data as text; its shapes are those of ARC (a struct of two lists), HellaSwag (a list and a number as
text) and MMLU (a list and a whole number). Two groups of rows in the second file, dictionaries off and pages of the second version,
so that both ways of packing are read.
"""

import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("question", pa.string()),
        ("choices", pa.struct([("text", pa.list_(pa.string())), ("label", pa.list_(pa.string()))])),
        ("answerKey", pa.string()),
        ("endings", pa.list_(pa.string())),
        ("label", pa.string()),
        ("answer", pa.int64()),
        ("difficulty", pa.float64()),
        ("checked", pa.bool_()),
        ("hints", pa.list_(pa.struct([("text", pa.string()), ("weight", pa.int32())]))),
    ]
)

rows = [json.loads(line) for line in (HERE / "rows.jsonl").read_text().splitlines()]
table = pa.Table.from_pylist(rows, schema=SCHEMA)
pq.write_table(table, HERE / "rows.parquet")
pq.write_table(
    table,
    HERE / "rows-zstd.parquet",
    compression="zstd",
    use_dictionary=False,
    data_page_version="2.0",
    row_group_size=3,
)

use std::{path::PathBuf, sync::Arc};

use parquet::{
    basic::{Compression, Encoding},
    data_type::{ByteArray, ByteArrayType, Int32Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/parquet").join(name);
    std::fs::read(&path).expect("a fixture")
}

/// A file of one column of text, each value once; `properties` say how it is packed.
fn texts(values: &[&str], properties: WriterProperties) -> Vec<u8> {
    let schema = parse_message_type("message m { required binary text (UTF8); }").expect("a schema");
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties)).expect("a writer");
    let mut group = writer.next_row_group().expect("a group");
    let mut column = group.next_column().expect("no error").expect("a column");
    let values: Vec<ByteArray> = values.iter().map(|value| ByteArray::from(*value)).collect();
    column.typed::<ByteArrayType>().write_batch(&values, None, None).expect("written");
    column.close().expect("closed");
    group.close().expect("closed");
    writer.into_inner().expect("a file")
}

/// A file of a schema and no rows.
fn empty(schema: &str) -> Vec<u8> {
    let schema = parse_message_type(schema).expect("a schema");
    let writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).expect("a writer");
    writer.into_inner().expect("a file")
}

fn plain() -> WriterProperties {
    WriterProperties::builder().set_compression(Compression::SNAPPY).set_dictionary_enabled(false).build()
}

fn refusal(bytes: Vec<u8>) -> String {
    rows(bytes).expect_err("refused").to_string()
}

#[test]
fn rows_of_both_packings_are_those_of_the_json_lines() {
    let lines = String::from_utf8(fixture("rows.jsonl")).expect("text");
    let expected: Vec<Row> = lines.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    assert_eq!(expected.len(), 5);
    for name in ["rows.parquet", "rows-zstd.parquet"] {
        assert_eq!(rows(fixture(name)).expect(name), expected, "{name}");
    }
}

#[test]
fn every_cut_of_a_file_is_refused() {
    let whole = fixture("rows.parquet");
    for length in 0..whole.len() {
        assert!(rows(whole[..length].to_vec()).is_err(), "{length} bytes of {}", whole.len());
    }
}

#[test]
fn a_footer_that_lies_about_its_length_is_refused() {
    let mut file = fixture("rows.parquet");
    let end = file.len() - 8;
    file[end..end + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    insta::assert_snapshot!(refusal(file.clone()), @"4294967295 bytes in the footer, the limit is 16777216");
    file[end..end + 4].copy_from_slice(&1_000_000_u32.to_le_bytes());
    assert!(refusal(file).contains("a footer of 1000000 bytes in"));
}

/// A value of 2 MB, so that the sizes in its page's header take four bytes.
fn large() -> (Vec<u8>, usize) {
    let file = texts(&[&"x".repeat(2_000_000)], plain());
    // The first page stands behind the mark: its type in field 1, then the unpacked size in field 2.
    assert_eq!(file[4..7], [0x15, 0x00, 0x15]);
    (file, 7)
}

#[test]
fn a_page_that_claims_to_unpack_to_much_is_refused_before_it_is_unpacked() {
    let (mut file, at) = large();
    assert_eq!(rows(file.clone()).expect("read").len(), 1);
    file[at..at + 4].copy_from_slice(&[0xfe, 0xff, 0xff, 0x7f]);
    insta::assert_snapshot!(refusal(file), @"134217727 bytes of a page once unpacked, the limit is 67108864");
}

#[test]
fn packed_bytes_that_are_more_than_their_page_says_are_refused() {
    let (mut file, at) = large();
    // 1,100,000 in zigzag, while the packed bytes hold 2,000,004.
    file[at..at + 4].copy_from_slice(&[0xc0, 0xa3, 0x86, 0x01]);
    assert!(refusal(file).starts_with("no Parquet file that can be read"));
}

#[test]
fn packed_bytes_that_claim_to_be_huge_are_refused() {
    let (mut file, _) = large();
    // Snappy's own length of what it unpacks to, 2,000,004, stands where the page's content starts.
    let length = [0x84, 0x89, 0x7a];
    let at = file.windows(3).position(|bytes| bytes == length).expect("the length");
    file[at..at + 3].copy_from_slice(&[0xff, 0xff, 0x7f]);
    assert!(refusal(file).starts_with("no Parquet file that can be read"));
}

#[test]
fn a_long_text_that_a_dictionary_repeats_is_refused_before_it_is_copied() {
    let text = "x".repeat(1_000_000);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_page_size_limit(4 << 20)
        .build();
    let file = texts(&vec![text.as_str(); 300], properties);
    assert!(file.len() < 100_000, "{} bytes", file.len());
    insta::assert_snapshot!(refusal(file), @"300010800 bytes of rows, the limit is 268435456");
}

#[test]
fn what_is_not_read_is_named() {
    let delta = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BYTE_ARRAY)
        .build();
    insta::assert_snapshot!(refusal(texts(&["a", "ab"], delta)), @"a page in an encoding other than plain and dictionary, which is not read");
    insta::assert_snapshot!(refusal(empty("message m { required int32 day (DATE); }")), @"column `day`: type DATE is not read");
    insta::assert_snapshot!(refusal(empty("message m { required int96 then; }")), @"column `then`: type INT96 is not read");
    insta::assert_snapshot!(refusal(empty("message m { optional binary raw; }")), @"column `raw`: type BYTE_ARRAY is not read");
    insta::assert_snapshot!(refusal(empty(
        "message m { required group a (MAP) { repeated group key_value { required binary key (UTF8); required int32 value; } } }"
    )), @"column `a`: type MAP is not read");
    insta::assert_snapshot!(refusal(empty("message m { required group a (LIST) { required int32 b; required int32 c; } }")), @"column `a`: a list without its one field is not read");
    insta::assert_snapshot!(refusal(b"PAR1 is not enough PAR1".to_vec()), @"543713141 bytes in the footer, the limit is 16777216");
    insta::assert_snapshot!(refusal(b"id,question".to_vec()), @"no Parquet file that can be read: it does not start and end with PAR1");
}

#[test]
fn lists_in_lists_end_somewhere() {
    let nested = |levels: usize| {
        let open = "required group g { ".repeat(levels);
        empty(&format!("message m {{ {open} required int32 x; {} }}", "} ".repeat(levels)))
    };
    assert_eq!(rows(nested(11)), Ok(Vec::new()));
    insta::assert_snapshot!(refusal(nested(40)), @"13 levels of lists and structs, the limit is 12");
    let wide = "required int32 c; ".repeat(1_200);
    insta::assert_snapshot!(refusal(empty(&format!("message m {{ {wide} }}"))), @"1201 columns, the limit is 1000");
}

#[test]
fn numbers_that_json_has_not_are_nothing() {
    let schema = parse_message_type("message m { required double x; required int32 y; }").expect("a schema");
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).expect("a writer");
    let mut group = writer.next_row_group().expect("a group");
    let mut column = group.next_column().expect("no error").expect("a column");
    column
        .typed::<parquet::data_type::DoubleType>()
        .write_batch(&[f64::NAN, 0.5], None, None)
        .expect("written");
    column.close().expect("closed");
    let mut column = group.next_column().expect("no error").expect("a column");
    column.typed::<Int32Type>().write_batch(&[1, -2], None, None).expect("written");
    column.close().expect("closed");
    group.close().expect("closed");
    let found = rows(writer.into_inner().expect("a file")).expect("read");
    assert_eq!(json!(found), json!([{ "x": null, "y": 1 }, { "x": 0.5, "y": -2 }]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_read_or_refused(
        second in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut file = fixture(if second { "rows-zstd.parquet" } else { "rows.parquet" });
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Err(refusal) = rows(file) {
            prop_assert!(!refusal.to_string().contains('\n'));
        }
    }
}

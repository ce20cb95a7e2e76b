//! The JSON reader: agreement with serde_json, its bounds, and what it keeps to itself.
// SPDX-License-Identifier: Apache-2.0 OR MIT

#![allow(clippy::arithmetic_side_effects)]

use super::reader::{MAX_DEPTH, MAX_VALUES};
use super::*;
use proptest::prelude::*;

fn kind(text: &str) -> JsonErrorKind {
    parse(text.as_bytes()).unwrap_err().kind
}

fn text(value: Option<Value<'_>>) -> Option<String> {
    value.and_then(Value::text).map(Sensitive::into_exposed)
}

fn elements(value: Value<'_>) -> Vec<Value<'_>> {
    let mut all = Vec::new();
    value.elements(&mut |element| all.push(element));
    all
}

/// As serde_json has it. A number's value is compared as serde_json reads its text.
fn as_serde(value: Value<'_>) -> serde_json::Value {
    match format!("{value:?}").as_str() {
        "Array" => elements(value).into_iter().map(as_serde).collect::<Vec<_>>().into(),
        // Inserting in order: the last of two equal names stays, as in serde_json.
        "Object" => {
            let mut members = serde_json::Map::new();
            value.parts(&mut |name, value| {
                members.insert(reader::text(name).unwrap().into_exposed(), as_serde(value));
            });
            members.into()
        }
        "String" => text(Some(value)).unwrap().into(),
        _ => serde_json::from_str(value.text).unwrap(),
    }
}

/// Whether a text goes beyond a bound that serde_json does not have, or has elsewhere.
fn beyond_a_bound(bytes: &[u8]) -> bool {
    matches!(parse(bytes).map_err(|error| error.kind), Err(JsonErrorKind::TooDeep | JsonErrorKind::TooLarge))
}

/// Both readers accept the text and read the same, or both refuse it.
fn agree(bytes: &[u8]) -> Result<(), TestCaseError> {
    match (parse(bytes), serde_json::from_slice::<serde_json::Value>(bytes)) {
        (Ok(ours), Ok(theirs)) => prop_assert_eq!(as_serde(ours.root()), theirs),
        (Err(error), Err(_)) => prop_assert!(error.position <= bytes.len()),
        // A number that no f64 can hold: serde_json refuses it, here it is text that nobody has to read.
        (Ok(_), Err(theirs)) => {
            prop_assert!(theirs.to_string().starts_with("number out of range"), "{theirs}")
        }
        (Err(ours), Ok(_)) => prop_assert!(beyond_a_bound(bytes), "{ours}"),
    }
    Ok(())
}

#[test]
fn every_kind_of_value_is_read() {
    let json = parse(br#" {"a":[null,true,false,-0.5e+7,"x"],"b":{"c":12},"d":"" } "#).unwrap();
    let value = json.root();
    assert_eq!(
        as_serde(value),
        serde_json::json!({"a": [null, true, false, -0.5e7, "x"], "b": {"c": 12}, "d": ""})
    );
    let c = value.get("b").and_then(|b| b.get("c"));
    assert_eq!((c.map(|c| c.text), text(c)), (Some("12"), None));
    let a = value.get("a").unwrap();
    assert_eq!(
        elements(a).iter().map(|element| element.text).collect::<Vec<_>>(),
        ["null", "true", "false", "-0.5e+7", "\"x\""]
    );
    assert!(a.get("c").is_none() && a.get("").is_none() && value.get("z").is_none());
    assert_eq!((elements(value).len(), elements(value.get("d").unwrap()).len()), (0, 0));
    let nested = parse(b"[[[7]]]").unwrap();
    assert_eq!(elements(elements(nested.root())[0]).len(), 1);
}

#[test]
fn the_last_of_two_equal_names_counts_and_names_are_exact() {
    let json = parse(br#"{"Code":"a","code":"b","Code":"c","\u0042":"d","":"e"}"#).unwrap();
    let read = |name| text(json.root().get(name));
    assert_eq!(read("Code").as_deref(), Some("c"));
    assert_eq!(read("code").as_deref(), Some("b"));
    assert_eq!(read("B").as_deref(), Some("d"));
    assert_eq!(read("").as_deref(), Some("e"));
    assert!(read("CODE").is_none() && read("\\u0042").is_none());
}

#[test]
fn the_buffer_of_a_text_never_grows() {
    for text in [r#""plain""#, r#""\u4e2d\ud83d\ude00\n\"""#, r#""a\\""#, r#""中😀é""#, r#""""#] {
        let read = parse(text.as_bytes()).unwrap().root().text().unwrap();
        // One allocation of the raw length: had it grown, it would have at least doubled.
        assert!(read.expose().capacity() <= text.len().saturating_sub(2), "{text}");
    }
}

#[test]
fn escapes_are_strict_and_half_a_surrogate_pair_is_refused() {
    let read = |raw: &str| text(Some(parse(raw.as_bytes()).unwrap().root()));
    assert_eq!(
        read(r#""\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\uDE00""#).as_deref(),
        Some("\"\\/\u{8}\u{c}\n\r\tAé😀")
    );
    assert_eq!(read(r#""\u0000""#).as_deref(), Some("\0"));
    for text in [
        r#""\x""#,
        r#""\u12g4""#,
        r#""\uD83D""#,
        r#""\uD83Dx""#,
        r#""\uD83D\n""#,
        r#""\uD83D\u0041""#,
        r#""\uD83D\uD83D""#,
        r#""\uD83D\""#,
        r#""\uDE00""#,
        r#""\uDE00\uD83D""#,
    ] {
        assert_eq!(kind(text), JsonErrorKind::BadEscape, "{text}");
    }
    for text in [r#"""#, r#""\"#, r#""\u12"#, r#""\uD83D\u"#, r#""abc"#] {
        assert_eq!(kind(text), JsonErrorKind::UnexpectedEnd, "{text}");
    }
    assert_eq!(kind("\"a\nb\""), JsonErrorKind::ControlCharacter);
    assert_eq!(kind("\"\u{1f}\""), JsonErrorKind::ControlCharacter);
    assert_eq!(parse(b"\"\xff\"").unwrap_err().kind, JsonErrorKind::NotUtf8);
    assert_eq!(parse(b"\"\xed\xa0\x80\"").unwrap_err().kind, JsonErrorKind::NotUtf8);
}

#[test]
fn what_is_nearly_json_is_refused() {
    for text in [
        "[1,]",
        "{,}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "01x",
        "+1",
        ".5",
        "-a",
        "'a'",
        "NaN",
        "tru3",
        "\u{feff}1",
    ] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
    for text in
        ["", " ", "[", "[1", "[1,", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "-", "1.", "1e", "1e+", "nul"]
    {
        assert_eq!(kind(text), JsonErrorKind::UnexpectedEnd, "{text}");
    }
    for text in ["1 2", "01", "{}}", "null,", "[]\0", "1/**/"] {
        assert_eq!(kind(text), JsonErrorKind::TrailingByte, "{text}");
    }
}

#[test]
fn depth_and_number_of_values_are_bounded() {
    let depth = usize::try_from(MAX_DEPTH).unwrap();
    let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
    assert!(parse(nested(depth).as_bytes()).is_ok());
    assert_eq!(kind(&nested(depth + 1)), JsonErrorKind::TooDeep);
    assert_eq!(kind(&"{\"a\":".repeat(1_000_000)), JsonErrorKind::TooDeep);
    let many = |n: usize| format!("[{}0]", "0,".repeat(n - 2));
    assert!(parse(many(MAX_VALUES).as_bytes()).is_ok());
    assert_eq!(kind(&many(MAX_VALUES + 1)), JsonErrorKind::TooLarge);
}

#[test]
fn neither_values_nor_errors_print_what_was_read() {
    let json = parse(br#"{"SecretData":"needle-4711"}"#).unwrap();
    assert_eq!(format!("{json:?} {:?}", json.root().get("SecretData")), "Object Some(String)");
    let error = parse(br#"{"SecretData":"needle-4711"needle}"#).unwrap_err();
    assert_eq!(error.to_string(), "unexpected character (byte 27)");
    assert!(!format!("{error:?}").contains("needle"));
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "[\\x00-\\x7f]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::vec((any::<String>(), inner), 0..8)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Text made of pieces of JSON: likelier to be nearly right than arbitrary bytes.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\"a\"", "\"a\":", "null", "true", "false", "0", "1", "-",
        ".", "e", "E", "+", "1.5", "1e9", "1e999", "-0", " ", "\n", "\t", "\r", "\u{b}", "u", "\\u",
        "\\ud83d", "\\ude00", "\\u0041", "\\n", "\\/", "\u{0}", "\u{1f}", "\u{7f}", "é", "😀", "\u{feff}",
        "\u{2028}",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_serde_json_writes_is_read_as_it_reads_it(value in any_json()) {
        for text in [serde_json::to_vec(&value).unwrap(), serde_json::to_vec_pretty(&value).unwrap()] {
            prop_assert!(parse(&text).is_ok());
            agree(&text)?;
        }
    }

    #[test]
    fn damaged_documents_are_refused_exactly_when_serde_json_refuses_them(
        value in any_json(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..4),
    ) {
        let mut text = serde_json::to_vec(&value).unwrap();
        for (at, byte, how) in changes {
            let at = at.index(text.len() + 1);
            match how {
                0 => text.insert(at, byte),
                1 if at < text.len() => text[at] = byte,
                _ if at < text.len() => drop(text.remove(at)),
                _ => {}
            }
        }
        agree(&text)?;
    }

    #[test]
    fn nearly_json_is_refused_exactly_when_serde_json_refuses_it(text in nearly_json()) {
        agree(&text)?;
    }

    #[test]
    fn arbitrary_bytes_are_refused_exactly_when_serde_json_refuses_them(bytes in any::<Vec<u8>>()) {
        agree(&bytes)?;
    }
}

#[test]
fn only_a_string_is_a_text_that_it_is_compared_with() {
    let body = r#"[true, null, 1234, ["a"], "ru", "r\u0075"]"#;
    let json = parse(body.as_bytes()).unwrap();
    let told =
        ["ru", "ul", "23", "\"a\""].map(|text| elements(json.root()).iter().filter(|v| v.is(text)).count());
    assert_eq!(told, [2, 0, 0, 0]);
}

//! Texts nobody checked before: YAML, dates and XML that are broken, odd or hostile.
use proptest::prelude::*;
use xblock_core::fields::{Conversion, FieldError, FieldSpec, FieldType, Scope, Value, YamlStage};

const XML: FieldSpec = FieldSpec::new("data", FieldType::XmlString, Scope::Content).enforce_type();

fn pieces(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::collection::vec(prop::sample::select(pieces), 0..12).prop_map(|chosen| chosen.concat())
}

const YAML: &[&str] = &[
    "a",
    ": ",
    ":",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "\n",
    "\n  ",
    " ",
    "\t",
    "|",
    ">-\n  ",
    "&x ",
    "*x",
    "!!int ",
    "!!set ",
    "? ",
    "---",
    "...",
    "#",
    "%",
    "<<: ",
    "1:30",
    "2030-01-02",
    "\\",
    "\u{2028}",
    "é",
    "1",
    "~",
];
const DATES: &[&str] = &[
    "2030",
    "1",
    "31",
    "Jan",
    "Tue",
    "10:30",
    "am",
    "T",
    "Z",
    "+",
    "-",
    "/",
    ".",
    " ",
    "of",
    "h",
    "99999999999",
    "(",
    ")",
    "٣",
];
const MARKUP: &[&str] = &[
    "<a>",
    "</a>",
    "<a/>",
    "<a b=\"1\">",
    "&",
    ";",
    "amp",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "?>",
    "<!DOCTYPE a>",
    " ",
    "x",
    "\"",
    "<",
    ">",
    "\u{feff}",
    "\u{1}",
];

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![any::<String>(), pieces(YAML), pieces(DATES)]) {
        for kind in FieldType::ALL {
            let _ = kind.from_text(&text);
            let _ = kind.load(Value::from(text.as_str()), &Conversion::default());
        }
    }

    #[test]
    fn any_markup_is_accepted_or_refused(text in prop_oneof![any::<String>(), pieces(MARKUP)]) {
        let _ = XML.check(Value::from(text), &Conversion::default());
    }

    /// The elements of a text in brackets are found whatever the blanks around them.
    #[test]
    fn flow_lists_are_read(numbers in proptest::collection::vec(any::<i64>(), 0..8), blank in prop::sample::select(vec!["", " ", "\n "])) {
        let items: Vec<String> = numbers.iter().map(|number| format!("{blank}{number}{blank}")).collect();
        let value = FieldType::List.from_text(&format!("[{}]", items.join(",")));
        prop_assert_eq!(value.unwrap(), Value::List(numbers.into_iter().map(Value::Int).collect()));
    }
}

fn yaml_error(text: &str) -> (YamlStage, usize, usize) {
    match FieldType::Any.from_text(text) {
        Err(FieldError::Yaml(error)) => (error.stage, error.line, error.column),
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn yaml_errors_say_where() {
    assert_eq!(yaml_error("a: b: c"), (YamlStage::Scanner, 1, 5));
    assert_eq!(yaml_error("a: 1\nb: [1,\n"), (YamlStage::Parser, 3, 1));
    assert_eq!(yaml_error("- 1\n- *x\n"), (YamlStage::Composer, 2, 3));
    assert_eq!(yaml_error("a: !!python/none x"), (YamlStage::Constructor, 1, 4));
    assert_eq!(yaml_error("ab\u{7}"), (YamlStage::Reader, 1, 3));
}

#[test]
fn hostile_yaml_is_refused_in_bounded_time() {
    let deep = "[".repeat(100_000);
    assert_eq!(yaml_error(&deep).0, YamlStage::Composer);
    assert_eq!(yaml_error("&a [*a]").0, YamlStage::Constructor);
    let mut bomb = "&a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    bomb.insert_str(0, "- ");
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("- &a{level} [{aliases}]\n"));
    }
    assert_eq!(yaml_error(&bomb).0, YamlStage::Constructor);
}

/// JSON writes characters beyond the basic plane as two escapes. The Python reader makes two half characters of them,
/// which it then cannot store.
#[test]
fn escaped_surrogates_are_one_character() {
    assert_eq!(
        FieldType::List.from_text(r#"["\ud83d\ude00"]"#).unwrap(),
        Value::List(vec![Value::from("😀")])
    );
    assert_eq!(FieldType::Any.from_text(r#""\ud83d""#).unwrap(), Value::from("\u{fffd}"));
}

#[test]
fn xml_errors_say_where() {
    let check = |text: &str| XML.check(Value::from(text), &Conversion::default());
    assert!(check("<problem>\n  <p>x</p>\n</problem>").is_ok());
    match check("<problem>\n  <p>&nbsp;</p>\n</problem>") {
        Err(FieldError::NotXml { line: 2, column: 6, .. }) => {}
        other => panic!("{other:?}"),
    }
    match XML.to_json(&Value::from("<a>")) {
        Err(FieldError::NotXml { .. }) => {}
        other => panic!("{other:?}"),
    }
}

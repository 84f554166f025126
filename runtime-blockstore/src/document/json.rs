//! JSON as Python's `json.dumps` writes it with `ensure_ascii`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// Writes with two spaces of indentation: `dumps(value, indent=2)`. The value must bring its keys sorted.
pub(super) fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    let formatter = Ascii(PrettyFormatter::new());
    write(value, &mut Serializer::with_formatter(&mut out, formatter));
    out
}

/// Writes without spaces: `dumps(value, separators=(",", ":"))`.
pub(super) fn compact(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut Serializer::with_formatter(&mut out, Ascii(CompactFormatter)));
    out
}

fn write<F: Formatter>(value: &impl Serialize, serializer: &mut Serializer<&mut Vec<u8>, F>) {
    value.serialize(serializer).expect("documents have text keys only and memory takes all bytes");
}

/// Escapes what is not printable ASCII and leaves the layout to another formatter.
struct Ascii<F>(F);

impl<F: Formatter> Formatter for Ascii<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        // The first byte of a character beyond ASCII is none of these either.
        while let Some(at) = rest.bytes().position(|byte| !(b' '..=b'~').contains(&byte)) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut characters = tail.chars();
            if let Some(character) = characters.next() {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }
    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }
    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }
    fn end_object_key<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_key(writer)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_python_does() {
        let text = "a\"\\/\u{8}\u{c}\n\r\t\u{1}\u{7f}é⚓😀";
        let expected = br#""a\"\\/\b\f\n\r\t\u0001\u007f\u00e9\u2693\ud83d\ude00""#;
        assert_eq!(compact(&text), expected);
    }

    #[test]
    fn empty_containers_stand_on_one_line() {
        let value = serde_json::json!({"a": {}, "b": [], "c": [1, {"d": null}]});
        let expected =
            "{\n  \"a\": {},\n  \"b\": [],\n  \"c\": [\n    1,\n    {\n      \"d\": null\n    }\n  ]\n}";
        assert_eq!(pretty(&value), expected.as_bytes());
    }
}

//! `.mo` files: two tables of lengths and offsets, in either byte order.

use super::{CatalogueError, Key};

const MAGIC: u32 = 0x9504_12de;

struct Reader<'b> {
    bytes: &'b [u8],
    is_big_endian: bool,
}

impl<'b> Reader<'b> {
    fn number(&self, at: usize) -> Result<usize, CatalogueError> {
        let bytes = at.checked_add(4).and_then(|end| self.bytes.get(at..end));
        let Some(&[a, b, c, d]) = bytes else {
            return Err(CatalogueError::Binary { problem: "a table ends too early" });
        };
        let word = [a, b, c, d];
        let number = if self.is_big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) };
        Ok(number as usize)
    }

    /// Reads the text a table row points to.
    fn text(&self, row: usize) -> Result<&'b str, CatalogueError> {
        let (length, offset) = (self.number(row)?, self.number(row.saturating_add(4))?);
        let bytes = offset.checked_add(length).and_then(|end| self.bytes.get(offset..end));
        let bytes = bytes.ok_or(CatalogueError::Binary { problem: "a text lies outside the file" })?;
        std::str::from_utf8(bytes).map_err(|_| CatalogueError::NotUtf8)
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<(Key, Vec<String>)>, CatalogueError> {
    let mut reader = Reader { bytes, is_big_endian: false };
    let magic = reader.number(0).map_err(|_| CatalogueError::Binary { problem: "it is too short" })?;
    if magic == MAGIC.swap_bytes() as usize {
        reader.is_big_endian = true;
    } else if magic != MAGIC as usize {
        return Err(CatalogueError::Binary { problem: "it does not begin as one" });
    }
    // The minor revision, in the lower half, may be any.
    if reader.number(4)? >> 16 > 1 {
        return Err(CatalogueError::Binary { problem: "its revision is unknown" });
    }
    let (count, texts, translations) = (reader.number(8)?, reader.number(12)?, reader.number(16)?);
    let mut messages = Vec::new();
    for index in 0..count {
        let row = |table: usize| table.saturating_add(index.saturating_mul(8));
        let (text, translation) = (reader.text(row(texts))?, reader.text(row(translations))?);
        let (context, text) = match text.split_once('\u{4}') {
            Some((context, text)) => (Some(context.to_owned()), text),
            None => (None, text),
        };
        // Behind the singular stands the plural; the forms of the translation stand one behind the other.
        let singular = text.split('\0').next().unwrap_or_default().to_owned();
        messages.push(((context, singular), translation.split('\0').map(str::to_owned).collect()));
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::super::{Catalogue, CatalogueError};

    /// Writes a `.mo` file the way `msgfmt` lays one out.
    fn file(messages: &[(&str, &str)], big: bool) -> Vec<u8> {
        let word = |number: usize| {
            let number = u32::try_from(number).expect("small");
            if big { number.to_be_bytes() } else { number.to_le_bytes() }
        };
        let count = messages.len();
        let mut out = Vec::new();
        for number in [super::MAGIC as usize, 0, count, 28, 28 + 8 * count, 0, 0] {
            out.extend(word(number));
        }
        let mut offset = 28 + 16 * count;
        let mut texts = Vec::new();
        for text in messages.iter().map(|(text, _)| text).chain(messages.iter().map(|(_, text)| text)) {
            out.extend(word(text.len()));
            out.extend(word(offset));
            texts.extend(text.bytes().chain([0]));
            offset += text.len() + 1;
        }
        out.extend(texts);
        out
    }

    #[test]
    fn both_byte_orders_are_read() {
        let messages = [
            ("", "Plural-Forms: nplurals=2; plural=(n != 1);\n"),
            ("verb\u{4}Hint", "Tipp geben"),
            ("a point\0points", "ein Punkt\0Punkte"),
        ];
        for big in [false, true] {
            let german = Catalogue::from_mo(&file(&messages, big)).expect("a catalogue");
            assert_eq!(german.message(Some("verb"), "Hint"), Some("Tipp geben"));
            assert_eq!(german.message(None, "Hint"), None);
            assert_eq!(german.plural(None, "a point", 1), Some("ein Punkt"));
            assert_eq!(german.plural(None, "a point", 0), Some("Punkte"));
        }
    }

    #[test]
    fn damage_is_an_error() {
        let whole = file(&[("a", "b"), ("c", "d")], false);
        for length in 0..whole.len() - 1 {
            assert!(
                matches!(Catalogue::from_mo(&whole[..length]), Err(CatalogueError::Binary { .. })),
                "{length}"
            );
        }
        let mut far = whole.clone();
        far[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(Catalogue::from_mo(&far).is_err());
        assert!(matches!(Catalogue::from_mo(b"PK\x03\x04"), Err(CatalogueError::Binary { .. })));
    }
}

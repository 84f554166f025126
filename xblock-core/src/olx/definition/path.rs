//! Where a block's definition file lies in a bundle, whatever characters its id has.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::keys::is_word;

/// Marks a folder name that is not the id itself.
const ENCODED: &str = "u--";

/// Returns the definition id of a block: the folder name that stands for its id in bundle paths and includes.
///
/// Definition keys allow word characters, `-`, `.` and nothing else in a path part, so any other id is written as `u--`
/// followed by its letters, digits and `_`, with every other byte of its UTF-8 form as `-` and two hex digits. Different
/// ids have different folder names.
///
/// ```
/// use xblock_core::olx::definition_id;
///
/// assert_eq!(definition_id("intro_1.b"), "intro_1.b");
/// assert_eq!(definition_id("wk1:intro"), "u--wk1-3aintro");
/// ```
#[must_use]
pub fn definition_id(block_id: &str) -> Cow<'_, str> {
    if is_folder_name(block_id) {
        return Cow::Borrowed(block_id);
    }
    let mut name = String::from(ENCODED);
    for character in block_id.chars() {
        if character.is_ascii_alphanumeric() || character == '_' {
            name.push(character);
        } else {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                write!(name, "-{byte:02x}").expect("writing to a string cannot fail");
            }
        }
    }
    Cow::Owned(name)
}

/// Tells whether an id can be a folder name as it is: no path part with a meaning of its own, and not too long for a
/// file system.
fn is_folder_name(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 120
        && !id.starts_with('.')
        && !id.starts_with(ENCODED)
        && id.chars().all(|c| is_word(c) || c == '-' || c == '.')
}

/// Reads the id back from a folder name, nothing where the name is an encoded one that no id has.
#[must_use]
pub fn block_id_of(definition_id: &str) -> Option<Cow<'_, str>> {
    let Some(encoded) = definition_id.strip_prefix(ENCODED) else {
        return Some(Cow::Borrowed(definition_id));
    };
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'-' {
            let (digits, tail) = tail.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = tail;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    let id = String::from_utf8(bytes).ok()?;
    (super::definition_id(&id) == definition_id).then_some(Cow::Owned(id))
}

/// Returns the path of a block's definition file in its bundle.
#[must_use]
pub fn definition_path(block_type: &str, block_id: &str) -> String {
    format!("{}/{}/definition.xml", definition_id(block_type), definition_id(block_id))
}

//! Where a block's definition file lies in a bundle, whatever characters its id has.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::keys::is_word;
use crate::runtime::ContentDigest;

/// Marks a folder name that is not the id itself.
const ENCODED: &str = "u--";

/// Stands before the digest in a shortened name; no encoded id has it.
const SHORTENED: &str = "--";

/// Hex digits of the digest in a shortened name.
const DIGEST: usize = 40;

/// How much of an encoded id a shortened name keeps, for people who look for it.
const KEPT: usize = 60;

/// Most bytes of a folder name that is the id itself.
const LONGEST_PLAIN: usize = 120;

/// Most bytes of the folder of an id: what file systems take.
const LONGEST_ID: usize = 255;

/// Most bytes of the folder of a type, so that a whole path has fewer than the 500 characters Blockstore allows.
const LONGEST_TYPE: usize = 120;

/// Files that a bundle has at its root, and the folder of its static files.
const TAKEN: [&str; 4] = ["asset_metadata.json", "assets.json", "context.json", "static"];

/// Returns the definition id of a block: the folder name that stands for its id in bundle paths and includes.
///
/// Definition keys allow word characters, `-`, `.` and nothing else in a path part, so any other id is written as `u--`
/// followed by its letters, digits and `_`, with every other byte of its UTF-8 form as `-` and two hex digits. Where that
/// would have more than 255 bytes, its beginning is followed by `--` and the BLAKE2b digest of the id. Different ids have
/// different folder names.
///
/// ```
/// use xblock_core::olx::definition_id;
///
/// assert_eq!(definition_id("intro_1.b"), "intro_1.b");
/// assert_eq!(definition_id("wk1:intro"), "u--wk1-3aintro");
/// assert_eq!(definition_id(&"~".repeat(300)).len(), 105);
/// ```
#[must_use]
pub fn definition_id(block_id: &str) -> Cow<'_, str> {
    if is_folder_name(block_id) { Cow::Borrowed(block_id) } else { Cow::Owned(encode(block_id, LONGEST_ID)) }
}

/// Returns the folder name that stands for a block type in bundle paths and definition keys.
///
/// It is the type itself where that is made of `[A-Za-z0-9_.-]`, as definition keys want it, and where no other file of a
/// bundle has that place; any other type is encoded as ids are, and shortened beyond 120 bytes.
///
/// ```
/// use xblock_core::olx::definition_type;
///
/// assert_eq!(definition_type("html"), "html");
/// assert_eq!(definition_type("tide:clock"), "u--tide-3aclock");
/// ```
#[must_use]
pub fn definition_type(block_type: &str) -> Cow<'_, str> {
    let is_taken = TAKEN.contains(&block_type) || block_type.starts_with("static.");
    if block_type.is_ascii() && is_folder_name(block_type) && !is_taken {
        Cow::Borrowed(block_type)
    } else {
        Cow::Owned(encode(block_type, LONGEST_TYPE))
    }
}

fn encode(id: &str, longest: usize) -> String {
    let mut name = String::from(ENCODED);
    let mut kept = ENCODED.len();
    for character in id.chars() {
        if character.is_ascii_alphanumeric() || character == '_' {
            name.push(character);
        } else {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                write!(name, "-{byte:02x}").expect("writing to a string cannot fail");
            }
        }
        if name.len() <= KEPT + ENCODED.len() {
            kept = name.len();
        }
    }
    if name.len() > longest {
        name.truncate(kept);
        name.push_str(SHORTENED);
        name.push_str(&ContentDigest::of(id.as_bytes()));
    }
    name
}

/// Tells whether an id can be a folder name as it is: no path part with a meaning of its own, and not too long for a
/// file system.
fn is_folder_name(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= LONGEST_PLAIN
        && !id.starts_with('.')
        && !id.starts_with(ENCODED)
        && id.chars().all(|c| is_word(c) || c == '-' || c == '.')
}

/// Tells whether a folder name is a shortened one, from which nothing can be read back; the definition file itself says
/// then what it stands for.
#[must_use]
pub fn is_shortened(folder: &str) -> bool {
    let Some((kept, digest)) = folder.strip_prefix(ENCODED).and_then(|name| name.rsplit_once(SHORTENED))
    else {
        return false;
    };
    digest.len() == DIGEST
        && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        && kept.len() <= KEPT
}

/// Reads the id back from a folder name, nothing where the name is a shortened one or an encoded one that no id has.
#[must_use]
pub fn block_id_of(definition_id: &str) -> Option<Cow<'_, str>> {
    let id = decode(definition_id)?;
    (super::definition_id(&id) == definition_id).then_some(id)
}

/// Reads the type back from a folder name, nothing where the name is a shortened one or stands for no type.
#[must_use]
pub fn block_type_of(folder: &str) -> Option<Cow<'_, str>> {
    let block_type = decode(folder)?;
    (definition_type(&block_type) == folder).then_some(block_type)
}

fn decode(folder: &str) -> Option<Cow<'_, str>> {
    let Some(encoded) = folder.strip_prefix(ENCODED) else {
        return Some(Cow::Borrowed(folder));
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
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Returns the path of a block's definition file in its bundle.
#[must_use]
pub fn definition_path(block_type: &str, block_id: &str) -> String {
    format!("{}/{}/definition.xml", definition_type(block_type), definition_id(block_id))
}

//! The default of fields declared unique: a digest of where the value would be stored.
use sha1::{Digest, Sha1};

use super::ids::ScopeIds;
use super::python::text::is_alphanumeric;
use super::scope::{BlockScope, Scope, UserScope};

const ABSENT: &str = "NONE.NONE";

/// Returns the readable one-to-one encoding of a field's place, `block/name/user`.
///
/// An absent part is `NONE.NONE`, which no encoded part can be. A scope of one user without a user prints `None`.
#[must_use]
pub fn scope_key(scope: Scope, field_name: &str, ids: &ScopeIds) -> String {
    let block = match scope.block() {
        BlockScope::Usage => encode(&ids.usage_id),
        BlockScope::Definition => encode(&ids.def_id),
        BlockScope::Type => encode(&ids.block_type),
        BlockScope::All => ABSENT.to_owned(),
    };
    let user = match scope.user() {
        UserScope::One => encode(ids.user_id.as_deref().unwrap_or("None")),
        UserScope::None | UserScope::All => ABSENT.to_owned(),
    };
    format!("{block}/{}/{user}", encode(field_name))
}

/// Returns the SHA-1 of [`scope_key`] in lower-case hexadecimal digits.
#[must_use]
pub fn unique_id(scope: Scope, field_name: &str, ids: &ScopeIds) -> String {
    hex::encode(Sha1::digest(scope_key(scope, field_name, ids).as_bytes()))
}

fn encode(part: &str) -> String {
    let mut encoded = String::with_capacity(part.len() + 8);
    // A part that would make a hidden file, or look like an escape, is marked; the mark itself is then encoded too.
    if part.starts_with(['.', '_']) {
        encode_char('_', &mut encoded);
    }
    for character in part.chars() {
        encode_char(character, &mut encoded);
    }
    encoded
}

fn encode_char(character: char, encoded: &mut String) {
    let pair = match character {
        '.' => "..",
        '/' => "._",
        '\\' => ".-",
        ',' => "_.",
        '_' => "__",
        ' ' => "_-",
        '+' => "-.",
        ':' => "-_",
        '-' => "--",
        other if is_alphanumeric(other) => {
            encoded.push(other);
            return;
        }
        other => {
            encoded.push_str(&format!("_{}_", u32::from(other)));
            return;
        }
    };
    encoded.push_str(pair);
}

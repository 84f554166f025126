//! What addresses look like on the host.

use crate::keys::{AssetKey, ContextKey, UsageKey};

/// Makes the addresses that blocks put into their HTML.
pub trait Urls: Send + Sync {
    /// Returns the address at which a block's handler answers.
    fn handler(&self, usage: &UsageKey, handler: &str, suffix: &str) -> String;

    /// Returns the address at which a block's handler answers callers that are not logged in, such as a grader; by
    /// default the same as for others.
    fn third_party_handler(&self, usage: &UsageKey, handler: &str, suffix: &str) -> String {
        self.handler(usage, handler, suffix)
    }

    /// Returns the address of a static file.
    fn asset(&self, key: &AssetKey) -> String;

    /// Returns the address of a static file that belongs to one block alone; none where the host serves no such files.
    fn block_asset(&self, usage: &UsageKey, name: &str) -> Option<String> {
        let _ = (usage, name);
        None
    }

    /// Returns the address of a page that shows the block with this id, whatever its type (`/jump_to_id/ID`).
    fn jump(&self, context: &ContextKey, block_id: &str) -> String;
}

/// Addresses below one root, with keys percent-encoded: `/handler/USAGE/NAME`, `/asset/KEY`,
/// `/block-asset/USAGE/NAME`, `/jump/CONTEXT/ID`.
#[derive(Debug, Clone, Default)]
pub struct PathUrls {
    /// What stands before the first slash; empty for addresses on the same server.
    pub root: String,
}

impl Urls for PathUrls {
    fn handler(&self, usage: &UsageKey, handler: &str, suffix: &str) -> String {
        let mut url = format!("{}/handler/{}/{}", self.root, encode(&usage.to_string()), encode(handler));
        if !suffix.is_empty() {
            url.push('/');
            url.push_str(&suffix.split('/').map(encode).collect::<Vec<_>>().join("/"));
        }
        url
    }

    fn asset(&self, key: &AssetKey) -> String {
        format!("{}/asset/{}", self.root, encode(&key.to_string()))
    }

    fn block_asset(&self, usage: &UsageKey, name: &str) -> Option<String> {
        let name = name.split('/').map(encode).collect::<Vec<_>>().join("/");
        Some(format!("{}/block-asset/{}/{name}", self.root, encode(&usage.to_string())))
    }

    fn jump(&self, context: &ContextKey, block_id: &str) -> String {
        format!("{}/jump/{}/{}", self.root, encode(&context.to_string()), encode(block_id))
    }
}

/// Percent-encodes everything that could mean something in a path (RFC 3986 unreserved, `@`, `:` and `+` stay).
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' | b':' | b'+' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_in_keys_do_not_end_a_path_segment() {
        assert_eq!(encode("i4x://O/C/html/a b"), "i4x:%2F%2FO%2FC%2Fhtml%2Fa%20b");
        assert_eq!(encode("é"), "%C3%A9");
    }
}

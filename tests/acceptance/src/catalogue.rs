//! The catalogue that translators begin with: every text that native blocks say, in `blocks/locale`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use blocks::words::{Message, messages};

/// Where the catalogue is, below the workspace.
pub const PATH: &str = "blocks/locale/xblock-runtime.pot";

/// Lists the files of the native blocks that say something, below the workspace, in the order of their paths.
///
/// # Errors
/// A folder that cannot be read.
pub fn sources(workspace: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("blocks/src")];
    while let Some(folder) = folders.pop() {
        for entry in workspace.join(&folder).read_dir()? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "html" || kind == "js") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Writes the catalogue of a workspace: no dates and no line numbers, so that only texts change it.
///
/// # Errors
/// A file that cannot be read.
pub fn template(workspace: &Path) -> io::Result<String> {
    // A text with and one without a plural are one entry to gettext; the plural wins.
    let mut entries: BTreeMap<String, (Option<String>, BTreeSet<String>)> = BTreeMap::new();
    for path in sources(workspace)? {
        let source = std::fs::read_to_string(workspace.join(&path))?;
        for Message { text, plural } in messages(&source) {
            let (known, places) = entries.entry(text).or_default();
            *known = known.take().or(plural);
            places.insert(path.display().to_string());
        }
    }
    let mut out = String::from(
        "# What the native blocks of xblock-runtime say to learners. Written by `make messages`.\nmsgid \"\"\nmsgstr \"\"\n\
         \"Project-Id-Version: xblock-runtime\\n\"\n\"MIME-Version: 1.0\\n\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\
         \"Content-Transfer-Encoding: 8bit\\n\"\n\"Plural-Forms: nplurals=2; plural=(n != 1);\\n\"\n",
    );
    for (text, (plural, places)) in &entries {
        out.push('\n');
        for place in places {
            let _ = writeln!(out, "#: {place}");
        }
        if text.contains('{') {
            out.push_str("#, python-brace-format\n");
        }
        let _ = writeln!(out, "msgid {}", quoted(text));
        match plural {
            None => out.push_str("msgstr \"\"\n"),
            Some(plural) => {
                let _ = writeln!(out, "msgid_plural {}", quoted(plural));
                out.push_str("msgstr[0] \"\"\nmsgstr[1] \"\"\n");
            }
        }
    }
    Ok(out)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

//! Definition files that the Blockstore app keeps, read and written again.

use std::path::{Path, PathBuf};

use xblock_core::fields::Conversion;
use xblock_core::keys::ContextKey;
use xblock_core::olx::{read_definition, read_definition_parts, write_definition};

fn definition_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder that can be listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            definition_files(&path, found);
        } else if path.ends_with("definition.xml") {
            found.push(path);
        }
    }
}

#[test]
fn golden_definitions_are_read_and_written_again() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/blockstore/storage");
    if !golden.is_dir() {
        return;
    }
    let mut files = Vec::new();
    definition_files(&golden, &mut files);
    assert!(!files.is_empty());
    let registry = blocks::registry().expect("no type twice");
    let context: ContextKey = "lib:Harbour:tides".parse().expect("a key");
    for path in files {
        let parts: Vec<_> = path.iter().rev().map(|part| part.to_string_lossy()).collect();
        let usage = context.make_usage_key(&parts[2], &parts[1]).expect("a type and an id");
        let xml = std::fs::read(&path).expect("a file that can be read");
        let parts = read_definition_parts(&xml, &usage, &registry, &Conversion::default())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let data = read_definition(&xml, &usage, &registry).expect("it was read a moment ago");
        assert_eq!(data.children.len(), parts.includes.len());
        let text = write_definition(&usage, &data, &registry).expect("what was read can be written");
        assert_eq!(
            read_definition(text.as_bytes(), &usage, &registry).expect("it reads back"),
            data,
            "{text}"
        );
    }
}

//! Every XML file of every real course is written byte for byte as it was read.

use std::path::{Path, PathBuf};

use xblock_core::olx::{BlankText, CDataSections, Document, ParseOptions};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "xml" || e == "html" || e == "svg" || e == "olx") {
            found.push(path);
        }
    }
}

/// Reads and writes every file below a folder; returns how many XML files and other markup files could be read.
fn check(folder: &Path) -> (usize, usize) {
    let mut found = Vec::new();
    files(folder, &mut found);
    let (mut xml, mut other) = (0, 0);
    for path in found {
        let bytes = std::fs::read(&path).expect("a file");
        let is_xml = path.extension().is_some_and(|extension| extension == "xml");
        let keep = ParseOptions::default().cdata(CDataSections::Keep);
        for options in [ParseOptions::platform(), keep.clone(), keep.blank_text(BlankText::Remove)] {
            let document = match Document::parse("file".into(), &bytes, &options) {
                Ok(document) => document,
                Err(error) => {
                    assert!(!is_xml, "{}: {error}", path.display());
                    continue;
                }
            };
            assert!(document.to_bytes() == bytes, "{} is not written as it was read", path.display());
            *(if is_xml { &mut xml } else { &mut other }) += 1;
        }
    }
    (xml / 3, other / 3)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

#[test]
fn the_sample_courses_are_written_as_they_were_read() {
    let (xml, _) = check(&root().join("examples/courses"));
    assert!(xml > 50, "{xml}");
}

#[test]
fn every_real_course_is_written_as_it_was_read() {
    let courses = root().join("../shared/courses");
    if !courses.exists() {
        eprintln!("SKIPPED: {} does not exist here", courses.display());
        return;
    }
    let (xml, other) = check(&courses);
    eprintln!("{xml} XML files and {other} others that are well-formed");
    assert!(xml > 1000, "{xml}");
}

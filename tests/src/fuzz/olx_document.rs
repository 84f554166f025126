//! Any bytes, read as XML.

use xblock_core::olx::{BlankText, CDataSections, Document, ParseOptions, WriteOptions};

/// Reads bytes as an XML file under all options: nothing panics or runs away, and what is written of it reads the same.
pub fn olx_document(data: &[u8]) {
    for options in [
        ParseOptions::default(),
        ParseOptions::platform(),
        ParseOptions::default().cdata(CDataSections::Keep),
    ] {
        let document = match Document::parse("fuzz.xml".into(), data, &options) {
            Ok(document) => document,
            Err(error) => {
                let _ = error.to_string();
                continue;
            }
        };
        let text = document.root.to_text(WriteOptions::default());
        let again = Document::parse("again.xml".into(), text.as_bytes(), &options);
        let again = again.unwrap_or_else(|error| panic!("what is written is XML: {error}\n{text:?}"));
        // What is taken for indentation depends on references, which are written as what they stand for.
        if options.blank_text == BlankText::Keep {
            assert_eq!(again.root.to_text(WriteOptions::default()), text);
        }
        let _ = document.root.to_text(WriteOptions::PRETTY);
    }
}

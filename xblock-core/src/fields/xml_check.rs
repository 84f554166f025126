//! Well-formedness of an XML document.
use quick_xml::Reader;
use quick_xml::events::Event;

use super::error::FieldError;

pub(crate) fn check(text: &str) -> Result<(), FieldError> {
    let fail = |problem: &str| FieldError::NotXml { line: 1, column: 1, problem: problem.to_owned() };
    let mut reader = Reader::from_str(text);
    let mut roots = 0;
    let mut depth = 0;
    loop {
        match reader.read_event().map_err(|error| fail(&error.to_string()))? {
            Event::Start(_) => {
                roots += usize::from(depth == 0);
                depth += 1;
            }
            Event::Empty(_) => roots += usize::from(depth == 0),
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    if depth == 0 && roots == 1 { Ok(()) } else { Err(fail("no single root element")) }
}

//! Forms with files, `multipart/form-data` (RFC 7578).

use std::fmt::Write;

/// A form ready to be sent.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

impl Form {
    /// Makes a form of the field `payload` and of files named by their file names.
    pub(super) fn new(payload: &str, files: &[(String, Vec<u8>)]) -> Self {
        let boundary = boundary(payload, files);
        let mut body = Vec::new();
        let mut part = |disposition: &str, content: &[u8]| {
            body.extend_from_slice(
                format!("--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n").as_bytes(),
            );
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        };
        part("name=\"payload\"", payload.as_bytes());
        for (name, content) in files {
            let name = quoted(name);
            part(&format!("name=\"{name}\"; filename=\"{name}\""), content);
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Self { content_type: format!("multipart/form-data; boundary={boundary}"), body }
    }
}

/// Escapes what would end a name, as browsers do.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// Finds a line that none of the parts holds.
fn boundary(payload: &str, files: &[(String, Vec<u8>)]) -> String {
    let is_inside = |boundary: &str| {
        let holds = |bytes: &[u8]| bytes.windows(boundary.len()).any(|window| window == boundary.as_bytes());
        holds(payload.as_bytes()) || files.iter().any(|(_, bytes)| holds(bytes))
    };
    let mut boundary = String::from("xblock-runtime-form");
    let mut number = 0_u64;
    while is_inside(&boundary) {
        number += 1;
        boundary.truncate("xblock-runtime-form".len());
        // Writing to a text cannot fail.
        let _ = write!(boundary, "-{number}");
    }
    boundary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_end_themselves() {
        let files = vec![("a\"\r\nb".to_owned(), b"--xblock-runtime-form-1--\r\n".to_vec())];
        let form = Form::new("xblock-runtime-form", &files);
        assert_eq!(form.content_type, "multipart/form-data; boundary=xblock-runtime-form-2");
        assert_eq!(
            String::from_utf8(form.body).expect("text"),
            "--xblock-runtime-form-2\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\nxblock-runtime-form\r\n\
             --xblock-runtime-form-2\r\nContent-Disposition: form-data; name=\"a%22%0D%0Ab\"; filename=\"a%22%0D%0Ab\"\r\n\r\n\
             --xblock-runtime-form-1--\r\n\r\n--xblock-runtime-form-2--\r\n"
        );
    }
}

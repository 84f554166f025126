//! `imageinput`: a point on a picture (capa reference, section 2.4).

use minijinja::context;
use serde_json::Value as Json;

use super::{InputState, Rendered};

/// The mark of the chosen point, 30 pixels wide and high.
const POINTER: &str = include_str!("../templates/pointer.svg");

/// Reads `[x,y]`, as the page's script writes it.
pub(in crate::problem) fn point(value: &Json) -> Option<(i64, i64)> {
    let text: String = value.as_str()?.trim().split(' ').collect();
    let (x, rest) = text.strip_prefix('[')?.split_once(',')?;
    let (y, _) = rest.split_once(']')?;
    let number = |text: &str| {
        let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_digits.then(|| text.parse().unwrap_or(i64::MAX))
    };
    Some((number(x)?, number(y)?))
}

pub(super) fn render(state: &InputState) -> Rendered {
    let (x, y) = point(&state.value).map_or((0, 0), |(x, y)| (x - 15, y - 15));
    let pointer = format!("data:image/svg+xml,{}", percent_encoded(POINTER.trim()));
    ("problem/imageinput.html", context! { x, y, pointer })
}

/// Writes a text as it may stand in an address.
fn percent_encoded(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'/' | b':' | b'=' | b',' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_as_the_script_writes_them() {
        let point = |text: &str| point(&Json::from(text));
        assert_eq!(point(" [10, 20] "), Some((10, 20)));
        assert_eq!((point("[10,-2]"), point("10,2"), point("[,]"), point("")), (None, None, None, None));
        assert_eq!(point("[99999999999999999999,1]x"), Some((i64::MAX, 1)));
    }
}

//! Character classes as `str` methods and regular expressions know them.
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Tells what `str.isalnum` says of one character: letters and all kinds of numbers, but no combining marks.
pub(crate) fn is_alphanumeric(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric();
    }
    matches!(character.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number)
}

/// Tells what `str.isspace` says of one character: Unicode white space and the four ASCII separators.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\x1c'..='\x1f')
}

/// Returns the value of a decimal digit of any script.
pub(crate) fn decimal_digit(character: char) -> Option<u8> {
    if let Some(digit) = character.to_digit(10) {
        return u8::try_from(digit).ok();
    }
    if character.is_ascii() || !is_decimal(character) {
        return None;
    }
    // Unicode promises that the digits of a script stand together in order from zero, so the distance from the start
    // of the run tells the value.
    let code = u32::from(character);
    let start = (0..=code)
        .rev()
        .take_while(|&before| char::from_u32(before).is_some_and(is_decimal))
        .last()
        .unwrap_or(code);
    u8::try_from((code - start) % 10).ok()
}

fn is_decimal(character: char) -> bool {
    character.general_category() == GeneralCategory::DecimalNumber
}

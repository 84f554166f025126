//! Keywords in a text that stand for something about its reader or its course (blocks reference, section 7.5).

use std::borrow::Cow;

use xblock_core::block::BlockContext;

/// Puts the reader's id and the course's key in for their keywords.
///
/// A keyword whose value is unknown stays as it is; so does `%%USER_EMAIL%%`, as hosts keep addresses to themselves.
pub(super) fn substitute<'t>(text: &'t str, context: &dyn BlockContext) -> Cow<'t, str> {
    if !text.contains("%%") {
        return Cow::Borrowed(text);
    }
    let mut text = Cow::Borrowed(text);
    if let Some(user) = context.user()
        && !user.id.is_empty()
    {
        text = text.replace("%%USER_ID%%", &user.id).into();
    }
    text.replace("%%COURSE_ID%%", &context.usage().context_key().to_string()).into()
}

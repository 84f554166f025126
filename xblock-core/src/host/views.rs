//! Views a block need not have itself.

use crate::block::{BlockContext, BlockError, XBlock};
use crate::fragment::Fragment;
use crate::services::{I18nService, NullI18n};

use super::context::HostContext;

/// Renders a view of a block. Where the block has none of the name, authors see what learners see, and visitors that the
/// content is for learners (the platform's preview and its `LmsBlockMixin`; xblock reference, sections 12 and 14).
pub(super) fn render(
    block: &dyn XBlock,
    view: &str,
    context: &HostContext<'_>,
) -> Result<Fragment, BlockError> {
    context.check_services()?;
    match (block.view(view, context), view) {
        (Err(BlockError::NoSuchView { .. }), "author_view") => block.view("student_view", context),
        (Err(BlockError::NoSuchView { .. }), "public_view") => Ok(for_learners_only(context)),
        (rendered, _) => rendered,
    }
}

fn for_learners_only(context: &HostContext<'_>) -> Fragment {
    let i18n = context.find_service(<dyn I18nService as crate::services::Service>::NAME);
    let i18n = i18n.and_then(|found| found.get::<dyn I18nService>());
    let text = "Sign in and enroll in this course to see this content.";
    let text = i18n.as_deref().unwrap_or(&NullI18n).gettext(text);
    Fragment::new(format!(
        r#"<p class="xblock-learners-only" role="note">{}</p>"#,
        super::wrap::escape(&text)
    ))
}

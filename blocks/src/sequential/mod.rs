//! `sequential`: a subsection of a course; its units are its children.

mod fields;

use serde_json::{Map, json};
use xblock_core::block::{BlockContext, BlockError, HandlerRequest, HandlerResponse, XBlock};
use xblock_core::fields::{BlockFields, Json};
use xblock_core::fragment::Fragment;
use xblock_core::olx::SequenceOlx;
use xblock_core::services::I18nService;

use crate::name;
use crate::setting::or_default;
use crate::template::{self, context};
use crate::words::Words;

pub use fields::{HasProctoringFields, HasSequenceFields, ProctoringFields, SequenceFields};

/// A subsection of a course.
#[derive(XBlock)]
#[xblock(
    type = "sequential",
    aliases("problemset", "videosequence"),
    has_children,
    completion = aggregator,
    olx = SequenceOlx,
    views(student_view, public_view, author_view = student_view),
    handlers(goto_position),
    wants(dyn I18nService),
)]
#[fields(SequenceFields, ProctoringFields)]
pub struct SequentialBlock {
    fields: BlockFields,
}

impl SequentialBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        self.render(context, "student_view")
    }

    fn public_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        self.render(context, "public_view")
    }

    /// Shows every unit, and above them the way to each; without scripts all of them can be read on one page.
    fn render(&self, context: &dyn BlockContext, view: &str) -> Result<Fragment, BlockError> {
        let children = context.children();
        let position = shown_position(or_default(self, self.position())?, children.len());
        let mut fragment = Fragment::default();
        let mut items = Vec::with_capacity(children.len());
        for (index, child) in children.into_iter().enumerate() {
            let rendered = context.render_child(&child.usage, view);
            fragment.add_resources_of(&rendered);
            items.push(context! {
                id => child.usage.to_string(),
                anchor => format!("unit-{}", child.usage.block_id()),
                name => child.display_name,
                icon => child.icon_class,
                current => index + 1 == position,
                content => rendered.content,
            });
        }
        fragment.content = template::render(
            "sequential.html",
            &Words::of(context),
            context! { name => name::shown(self.fields(), context.usage()), items, position },
        );
        fragment.add_css(include_str!("sequential.css"));
        Ok(fragment)
    }

    /// Remembers where the learner is; anything that is no positive integer means the first unit.
    fn goto_position(
        &self,
        request: &HandlerRequest,
        _context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        let body: Map<String, Json> = request.json()?;
        let position = match body.get("position") {
            Some(Json::Bool(true)) => 1,
            Some(number) => number.as_i64().filter(|position| *position > 0).unwrap_or(1),
            None => 1,
        };
        self.set_position(position)?;
        Ok(HandlerResponse::json(&json!({ "success": true })))
    }
}

/// Returns which unit is current, counted from 1 (blocks reference, section 9.2).
fn shown_position(stored: Option<i64>, units: usize) -> usize {
    stored
        .and_then(|position| usize::try_from(position).ok())
        .filter(|position| *position <= units)
        .unwrap_or(1)
}

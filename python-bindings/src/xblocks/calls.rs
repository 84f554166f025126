//! Rendering and handling for a Python block.

use std::sync::Arc;

use pyo3::prelude::*;
use xblock_core::block::{
    BlockError, BlockType, GraderReply, HandlerRequest, HandlerResponse, RescoreError, XBlock,
};
use xblock_core::fields::{BlockFields, ScopeIds};

use crate::error::BindingError;

use super::classes::native_type;
use super::context::PythonContext;
use super::field_data::PythonFieldData;
use super::surroundings::Surroundings;

/// What a native handler answered, and what it changed.
#[pyclass(frozen, get_all, module = "xblock_runtime._native")]
pub(crate) struct Answer {
    /// HTTP status.
    status: u16,
    /// Media type of the body.
    content_type: String,
    /// Further headers.
    headers: Vec<(String, String)>,
    /// The body.
    body: Vec<u8>,
    /// JSON text of an object: changed fields by name, in their stored form.
    changes: String,
    /// JSON text of a list of pairs: event type and data.
    events: String,
}

/// Method, suffix, query, content type and body of a request.
type Request = (String, String, Vec<(String, String)>, String, Vec<u8>);

fn open(block_type: &BlockType, surroundings: Py<PyAny>) -> PyResult<(Box<dyn XBlock>, PythonContext)> {
    let surroundings = Arc::new(Surroundings(surroundings));
    let context = PythonContext::new(surroundings.clone(), &block_type.name)?;
    let usage = xblock_core::block::BlockContext::usage(&context).to_string();
    let mut ids = ScopeIds::new(&*block_type.name, usage.as_str(), usage.as_str());
    if let Some(user) = xblock_core::block::BlockContext::user(&context) {
        ids = ids.with_user(user.id.clone());
    }
    let fields = BlockFields::of(block_type.table().clone(), Arc::new(PythonFieldData(surroundings)), ids);
    Ok((block_type.create(fields), context))
}

/// Renders a view; returns the fragment as JSON text, or none where the block has no such view.
#[pyfunction]
pub(crate) fn render_block(
    block_type: &str,
    view: &str,
    surroundings: Py<PyAny>,
) -> PyResult<Option<String>> {
    let found = native_type(block_type)?;
    let (block, context) = open(&found, surroundings)?;
    let rendered = block.view(view, &context);
    let usage = xblock_core::block::BlockContext::usage(&context).to_string();
    context.finish()?;
    match rendered {
        Ok(fragment) => {
            let text = serde_json::to_string(&fragment);
            Ok(Some(
                text.map_err(|error| BindingError::Block { key: Some(usage), reason: error.to_string() })?,
            ))
        }
        Err(BlockError::NoSuchView { .. }) => Ok(None),
        Err(error) => Err(BindingError::from(error).at(usage).into()),
    }
}

/// Hands a request to a handler; returns none where the block has no such handler.
#[pyfunction]
pub(crate) fn handle_block(
    block_type: &str,
    handler: &str,
    request: Request,
    surroundings: Py<PyAny>,
) -> PyResult<Option<Answer>> {
    let (block, context) = open(&native_type(block_type)?, surroundings)?;
    let (method, suffix, query, content_type, body) = request;
    let request = HandlerRequest { method, suffix, query, content_type, body };
    let answered = block.handle(handler, &request, &context);
    finish(&*block, context, answered)
}

/// Hands a block what a grader elsewhere says; returns none where the block waits for nobody.
#[pyfunction]
pub(crate) fn take_grader_reply(
    block_type: &str,
    dispatch: String,
    key: String,
    body: String,
    surroundings: Py<PyAny>,
) -> PyResult<Option<Answer>> {
    let (block, context) = open(&native_type(block_type)?, surroundings)?;
    let Some(scorable) = block.scorable() else { return Ok(None) };
    let answered = scorable.take_grader_reply(&GraderReply { dispatch, key, body }, &context);
    finish(&*block, context, answered)
}

/// Collects what an answer changed and published.
fn finish(
    block: &dyn XBlock,
    context: PythonContext,
    answered: Result<HandlerResponse, BlockError>,
) -> PyResult<Option<Answer>> {
    let usage = xblock_core::block::BlockContext::usage(&context).to_string();
    let events = context.finish()?;
    let (response, keep) = match answered {
        Ok(response) => (response, true),
        Err(BlockError::BadRequest { status, message }) => (HandlerResponse::error(status, &message), false),
        Err(BlockError::NoSuchHandler { .. } | BlockError::Rescore(RescoreError::Unsupported { .. })) => {
            return Ok(None);
        }
        Err(error) => return Err(BindingError::from(error).at(usage).into()),
    };
    let mut changes = serde_json::Map::new();
    let mut published = Vec::new();
    if keep {
        let changed = block.fields().changes();
        let changed = changed.map_err(|error| BindingError::from(BlockError::from(error)).at(usage))?;
        changes.extend(changed.into_iter().map(|(spec, value)| (spec.name.to_owned(), value)));
        published.extend(events.iter().map(|event| serde_json::json!([event.event_type(), event.data()])));
    }
    Ok(Some(Answer {
        status: response.status,
        content_type: response.content_type,
        headers: response.headers,
        body: response.body,
        changes: serde_json::Value::Object(changes).to_string(),
        events: serde_json::Value::Array(published).to_string(),
    }))
}

/// Returns what an author should hear of the block's content: pairs of type and text.
#[pyfunction]
pub(crate) fn validate_block(
    block_type: &str,
    surroundings: Py<PyAny>,
) -> PyResult<Vec<(&'static str, String)>> {
    let (block, context) = open(&native_type(block_type)?, surroundings)?;
    let remarks = block.validate().messages.into_iter();
    context.finish()?;
    Ok(remarks.map(|remark| (remark.message_type.name(), remark.text)).collect())
}

/// Returns how many points there are before any weight, none for a block without a score.
#[pyfunction]
pub(crate) fn max_score(block_type: &str, surroundings: Py<PyAny>) -> PyResult<Option<f64>> {
    let (block, context) = open(&native_type(block_type)?, surroundings)?;
    let usage = xblock_core::block::BlockContext::usage(&context).to_string();
    let points = block.max_score(&context);
    context.finish()?;
    Ok(points.map_err(|error| BindingError::from(error).at(usage))?)
}

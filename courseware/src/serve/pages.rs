//! What a person sees: the list of contexts, a course's outline, a unit, and messages.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;
use xblock_core::block::BlockError;
use xblock_core::host::Host;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::RuntimeExt as _;

use crate::error::CoursewareError;
use crate::page::resources;
use crate::steady::steady;

use super::outline::{self, Entry, path_segment};
use super::session::Visitor;
use super::template::page;
use super::{Site, blocking, blocks};

/// A link with its text.
#[derive(Serialize)]
struct Link {
    href: String,
    text: String,
}

impl Link {
    fn to_block(usage: &str, text: &str) -> Self {
        Self { href: format!("/block/{}", path_segment(usage)), text: text.to_owned() }
    }

    fn to_context(context: &ContextKey, text: &str) -> Self {
        Self { href: format!("/course/{}", path_segment(&context.to_string())), text: text.to_owned() }
    }
}

/// Lists the contexts of the store; a store with one goes there at once.
pub(super) async fn contexts(State(site): State<Site>, visitor: Visitor) -> Response {
    let host = site.host.clone();
    let user = visitor.user.clone();
    let listed = blocking(move || {
        let contexts = host.runtime.contexts()?;
        let mut links = Vec::new();
        for context in contexts {
            let name = host
                .runtime
                .context(&context)
                .map_err(BlockError::from)
                .and_then(|found| host.load(&found.root, Some(&user)))
                .and_then(|root| Ok(root.block.fields().str("display_name")?))
                .unwrap_or_default();
            let name = if name.is_empty() { context.to_string() } else { name.to_string() };
            links.push(Link::to_context(&context, &name));
        }
        Ok::<_, BlockError>((links, host.runtime.damaged_contexts()?.len()))
    });
    match listed.await {
        Ok(Ok((links, 0))) if links.len() == 1 => Redirect::to(&links[0].href).into_response(),
        Ok(Ok((links, damaged))) => {
            let values = context! { contexts => Value::from(Serde(links)), damaged };
            page(StatusCode::OK, "contexts.html", values)
        }
        Ok(Err(error)) => refusal(&error),
        Err(response) => response,
    }
}

/// Shows a context's outline.
pub(super) async fn outline(State(site): State<Site>, visitor: Visitor, Path(key): Path<String>) -> Response {
    let Ok(key) = key.parse::<ContextKey>() else { return not_a_key(&key) };
    let host = site.host.clone();
    let user = visitor.user.clone();
    let read = move || in_one_state(&host, &key, || outline::read(&host, &key, &user));
    match blocking(read).await {
        Ok(Ok(root)) => {
            let root = linked(root);
            (
                visitor,
                page(
                    StatusCode::OK,
                    "outline.html",
                    context! { title => root.text.clone(), root => Value::from(Serde(root)) },
                ),
            )
                .into_response()
        }
        Ok(Err(error)) => unsteady(error),
        Err(response) => response,
    }
}

/// Reads what a page shows of one state of its context, again where others change that meanwhile.
fn in_one_state<T>(
    host: &Host,
    context: &ContextKey,
    mut read: impl FnMut() -> Result<T, BlockError>,
) -> Result<T, CoursewareError> {
    steady(&[(&*host.runtime, context)], || Ok(read()?))
}

/// As [`refusal`], also where the context never stood still.
fn unsteady(error: CoursewareError) -> Response {
    match error {
        CoursewareError::Block(error) => refusal(&error),
        CoursewareError::Runtime(error) => refusal(&error.into()),
        error => failure(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// An entry of the outline with its address.
#[derive(Serialize)]
struct LinkedEntry {
    href: String,
    text: String,
    block_type: String,
    is_unit: bool,
    children: Vec<LinkedEntry>,
}

fn linked(entry: Entry) -> LinkedEntry {
    LinkedEntry {
        href: format!("/block/{}", path_segment(&entry.usage)),
        text: entry.name,
        block_type: entry.block_type,
        is_unit: entry.is_unit,
        children: entry.children.into_iter().map(linked).collect(),
    }
}

/// Shows a block on a page of its own, with the way back and on.
pub(super) async fn block(State(site): State<Site>, visitor: Visitor, Path(key): Path<String>) -> Response {
    let Ok(usage) = key.parse::<UsageKey>() else { return not_a_key(&key) };
    let host = site.host.clone();
    let finder = host.clone();
    let usage = match blocking(move || finder.runtime.usage_with_run(&usage)).await {
        Ok(Ok(usage)) => usage,
        Ok(Err(error)) => return refusal(&error.into()),
        Err(response) => return response,
    };
    let user = visitor.user.clone();
    let context = usage.context_key();
    let (reader, of) = (host.clone(), context.clone());
    let show = move || {
        let fragment = host.render(&usage, "student_view", Some(&user))?;
        let root = outline::read(&host, &context, &user)?;
        let way = outline::way(&host, &usage)?;
        let units = root.units();
        let text = usage.to_string();
        // A block inside a unit goes back and on from that unit.
        let here = units.iter().position(|unit| {
            unit.usage == text || way.iter().any(|(above, _)| above.to_string() == unit.usage)
        });
        let link = |unit: Option<&&Entry>| unit.map(|unit| Link::to_block(&unit.usage, &unit.name));
        let previous = here.and_then(|at| at.checked_sub(1)).and_then(|at| link(units.get(at)));
        let next = here.and_then(|at| link(units.get(at + 1)));
        let title = host.load(&usage, Some(&user))?.block.fields().str("display_name")?;
        let title = if title.is_empty() { usage.block_id().replace('_', " ") } else { title.to_string() };
        let crumbs: Vec<_> = way
            .iter()
            .map(|(above, name)| {
                if *above.block_type() == *"course" || *above.block_type() == *"library" {
                    Link::to_context(&context, name)
                } else {
                    Link::to_block(&above.to_string(), name)
                }
            })
            .collect();
        let (head, foot) = resources(&fragment);
        Ok::<_, BlockError>(context! {
            title, head, foot,
            names_itself => outline::names_itself(&usage),
            crumbs => Value::from(Serde(crumbs)),
            previous => Value::from(Serde(previous)),
            next => Value::from(Serde(next)),
            content => fragment.content,
            outline => Value::from(Serde(Link::to_context(&context, &root.name))),
        })
    };
    match blocking(move || in_one_state(&reader, &of, show)).await {
        Ok(Ok(values)) => (visitor, page(StatusCode::OK, "block.html", values)).into_response(),
        Ok(Err(error)) => unsteady(error),
        Err(response) => response,
    }
}

/// Finds the block a `/jump_to_id/` link means and goes there.
pub(super) async fn jump(
    State(site): State<Site>,
    Path((key, block_id)): Path<(String, String)>,
) -> Response {
    let Ok(context) = key.parse::<ContextKey>() else { return not_a_key(&key) };
    let host = site.host.clone();
    let found = blocking(move || {
        let usages = host.runtime.usages(&context, host.branch)?;
        Ok::<_, BlockError>(usages.into_iter().find(|usage| usage.block_id() == block_id))
    });
    match found.await {
        Ok(Ok(Some(usage))) => {
            Redirect::to(&format!("/block/{}", path_segment(&usage.to_string()))).into_response()
        }
        Ok(Ok(None)) => {
            failure(StatusCode::NOT_FOUND, "This link leads to a block that is not in the course.")
        }
        Ok(Err(error)) => refusal(&error),
        Err(response) => response,
    }
}

/// Answers for every address there is not.
pub(super) async fn nowhere() -> Response {
    failure(StatusCode::NOT_FOUND, "There is nothing at this address.")
}

/// Says what went wrong with a block, with the status that fits.
pub(super) fn refusal(error: &BlockError) -> Response {
    failure(blocks::status(error), &error.to_string())
}

/// A page with a message.
pub(super) fn failure(status: StatusCode, message: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    page(status, "message.html", context! { title, message })
}

fn not_a_key(text: &str) -> Response {
    failure(StatusCode::NOT_FOUND, &format!("{text:?} is not the key of a course or block."))
}

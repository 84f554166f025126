//! The pages of a course outside its tree: about, updates and handouts, static tabs, templates of custom tags.

use std::sync::Arc;

use crate::fields::{Json, Scope};
use crate::keys::UsageKey;
use crate::runtime::BlockData;

use super::super::diagnostic::{Diagnostic, Outcome, Severity};
use super::super::error::{OlxError, Place};
use super::super::position::Position;
use super::course::{json_diagnostic, python_diagnostic};
use super::importer::Importer;
use super::python_json::read_json;
use super::trace::Trace;

/// The folders, and what becomes of the files in them.
const FOLDERS: [(&str, &str); 4] = [
    ("about", "about"),
    ("info", "course_info"),
    ("tabs", "static_tab"),
    ("custom_tags", "custom_tag_template"),
];

/// Reads the pages; those in a folder named after the run replace others of their name.
pub(super) fn read_pages(
    importer: &mut Importer<'_>,
    run: &str,
    root: &UsageKey,
    mut trace: Option<&mut Trace>,
) -> Result<(), OlxError> {
    for (folder, block_type) in FOLDERS {
        for folder in [folder.to_owned(), format!("{folder}/{run}")] {
            let names = importer.list(&folder)?;
            let names: Vec<_> = names.iter().filter(|n| !n.ends_with(['/', '~'])).collect();
            let is_json = |name: &str| name.contains(".json");
            // Fields go onto pages, so that the pages come first.
            for name in names.iter().filter(|name| !is_json(name)) {
                let path = format!("{folder}/{name}");
                let page = read_page(importer, block_type, &path, root)?;
                note(trace.as_deref_mut(), page, path);
            }
            for name in names.iter().filter(|name| is_json(name)) {
                let page = read_field(importer, block_type, &folder, name)?;
                note(trace.as_deref_mut(), page, format!("{folder}/{name}"));
            }
        }
    }
    Ok(())
}

/// Notes that a file is part of a page, where that is asked.
fn note(trace: Option<&mut Trace>, page: Option<UsageKey>, path: String) {
    if let (Some(trace), Some(page)) = (trace, page) {
        trace.pages.entry(page).or_default().push(path);
    }
}

fn page_usage(importer: &mut Importer<'_>, block_type: &str, name: &str, path: &str) -> Option<UsageKey> {
    let place = || {
        Box::new(Place {
            file: path.into(),
            position: Position::START,
            excerpt: super::super::diagnostic::Excerpt { text: String::new(), column: 1 },
        })
    };
    match importer.usage(block_type, name, place) {
        Ok(usage) => Some(usage),
        Err(error) => {
            importer.diagnostics.push(left_out(error.diagnostic(), path));
            None
        }
    }
}

fn left_out(mut diagnostic: Diagnostic, path: &str) -> Diagnostic {
    diagnostic.position = None;
    diagnostic.excerpt = None;
    diagnostic.in_file(path.into()).outcome(Outcome::LeftOut)
}

fn read_page(
    importer: &mut Importer<'_>,
    block_type: &str,
    path: &str,
    root: &UsageKey,
) -> Result<Option<UsageKey>, OlxError> {
    let Some(bytes) = importer.read(path)? else { return Ok(None) };
    let file = path.rsplit('/').next().unwrap_or(path);
    let name = match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    };
    let Ok(text) = String::from_utf8(bytes) else {
        let error = OlxError::NotUtf8 { path: path.to_owned(), valid_up_to: 0 };
        importer.diagnostics.push(left_out(error.diagnostic(), path));
        return Ok(None);
    };
    let Some(usage) = page_usage(importer, block_type, name, path) else { return Ok(None) };
    let mut data = BlockData::default();
    data.content.insert("data".into(), text.into());
    if block_type == "static_tab"
        && let Some(tab) = tab_of(importer, root, name)
    {
        let staff_only = tab.get("course_staff_only").and_then(Json::as_bool).unwrap_or(false);
        data.settings.insert("display_name".into(), tab.get("name").cloned().unwrap_or_default());
        data.settings.insert("course_staff_only".into(), staff_only.into());
    }
    importer.rewrite(&mut data);
    importer.blocks.insert(usage.clone(), Arc::new(data));
    Ok(Some(usage))
}

fn tab_of(importer: &Importer<'_>, root: &UsageKey, slug: &str) -> Option<Json> {
    let tabs = importer.blocks.get(root)?.settings.get("tabs")?.as_array()?;
    tabs.iter().find(|tab| tab.get("url_slug").and_then(Json::as_str) == Some(slug)).cloned()
}

/// Reads `NAME.FIELD.json`: the value of a content field of a page.
fn read_field(
    importer: &mut Importer<'_>,
    block_type: &str,
    folder: &str,
    file: &str,
) -> Result<Option<UsageKey>, OlxError> {
    let path = format!("{folder}/{file}");
    let ignored = |message: &str| {
        Diagnostic::new("ignored-file", Severity::Warning, message).in_file(path.as_str().into())
    };
    let parts: Vec<_> = file.split('.').collect();
    let &[name, field, _] = parts.as_slice() else {
        importer.diagnostics.push(ignored("the name is not NAME.FIELD.json; the file is ignored"));
        return Ok(None);
    };
    if matches!(field, "data" | "metadata") {
        importer.diagnostics.push(ignored("this field cannot be set by a JSON file; the file is ignored"));
        return Ok(None);
    }
    let Some(bytes) = importer.read(&path)? else { return Ok(None) };
    let value = match read_json(&bytes) {
        Ok((value, is_python)) => {
            if is_python {
                importer.diagnostics.push(python_diagnostic(&path));
            }
            value
        }
        Err(error) => {
            importer.diagnostics.push(json_diagnostic(&path, &bytes, &error));
            return Ok(None);
        }
    };
    let Some(usage) = page_usage(importer, block_type, name, &path) else { return Ok(None) };
    let Some(spec) = importer.registry.block_type(block_type).field(field).copied() else {
        importer.diagnostics.push(ignored("the block has no such field; the file is ignored"));
        return Ok(None);
    };
    let data = Arc::make_mut(importer.blocks.entry(usage.clone()).or_default());
    let map = if spec.scope == Scope::Content { &mut data.content } else { &mut data.settings };
    map.insert(spec.name.into(), value);
    importer.look_again(&usage);
    Ok(Some(usage))
}

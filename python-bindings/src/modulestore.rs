//! The calls of edx-platform's modulestore on Split documents. Structured values cross as JSON text.

use std::sync::{Arc, PoisonError, RwLock};

use courseware::{CoursewareError, OpenMode, StoreUrl, SystemClock};
use pyo3::prelude::*;
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::operations::{AssetMetadata, Bulk, BulkOptions, DerivedIds, Revision};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use xblock_core::clock::Clock;
use xblock_core::keys::{AssetKey, ContextKey, UsageKey};
use xblock_core::runtime::{
    BlockData, BlockPatch, Commit, EditInfo, FieldMap, Runtime as _, RuntimeError, RuntimeExt as _, VersionId,
};

use crate::error::BindingError;
use crate::store::{branch, context_key, text, usage_key};
use crate::xblocks::registry;

/// One call, as the Python package writes it.
#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "snake_case", deny_unknown_fields)]
enum Call {
    CreateItem {
        usage: String,
        content: Texts,
        settings: Texts,
    },
    CreateChild {
        parent: String,
        usage: String,
        content: Texts,
        settings: Texts,
        position: Option<usize>,
    },
    UpdateItem {
        usage: String,
        content: Texts,
        settings: Texts,
        unset: Vec<String>,
        children: Option<Vec<String>>,
    },
    DeleteItem {
        usage: String,
        revision: Option<String>,
    },
    Publish {
        usage: String,
    },
    Unpublish {
        usage: String,
    },
    RevertToPublished {
        usage: String,
    },
    ForcePublishCourse,
    RefreshLibraryContent {
        usage: String,
        library: String,
        version: Option<String>,
    },
    CopyFromTemplate {
        sources: Vec<String>,
        destination: String,
    },
    SaveAssetMetadata {
        asset: String,
        fields: Texts,
        metadata: Texts,
    },
    DeleteAssetMetadata {
        asset: String,
    },
}

/// The values of fields, each as JSON text, so that one that cannot be read is told by its name.
type Texts = Map<String, Json>;

/// What is set of one block.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    content: Texts,
    settings: Texts,
}

/// What a new course begins with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Beginning {
    root: Given,
    overview: Given,
}

/// Reads the values of fields; `key` says of what.
fn fields(texts: Texts, key: &str) -> Result<FieldMap, BindingError> {
    texts
        .into_iter()
        .map(|(name, text)| {
            let refused = |reason| BindingError::Value { key: key.to_owned(), field: name.clone(), reason };
            let text = text.as_str().ok_or_else(|| refused("its value is no text".to_owned()))?;
            let value = serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
            Ok((name.as_str().into(), value))
        })
        .collect()
}

fn asset_key(text: &str) -> Result<AssetKey, BindingError> {
    text.parse().map_err(|source| BindingError::Key { text: text.to_owned(), source })
}

/// Reads the keys of one context, which say its run also where their texts name none.
#[derive(Clone, Copy)]
struct KeysOf<'c>(&'c ContextKey);

impl KeysOf<'_> {
    /// Says whether a key is of the old form, names no run, and is of this course.
    fn completes(self, context: &ContextKey) -> bool {
        let Some((of_key, own)) = context.as_course().zip(self.0.as_course()) else { return false };
        let names_no_run = of_key.is_deprecated() && of_key.run().is_empty();
        names_no_run && own.is_deprecated() && (of_key.org(), of_key.course()) == (own.org(), own.course())
    }

    fn usage(self, text: &str) -> Result<UsageKey, BindingError> {
        let usage = usage_key(text)?;
        if !self.completes(&usage.context_key()) {
            return Ok(usage);
        }
        usage.map_into_course(self.0).map_err(|source| BindingError::Key { text: text.to_owned(), source })
    }

    fn usages(self, texts: &[String]) -> Result<Vec<UsageKey>, BindingError> {
        texts.iter().map(|text| self.usage(text)).collect()
    }

    fn asset(self, text: &str) -> Result<AssetKey, BindingError> {
        let asset = asset_key(text)?;
        if !self.completes(&asset.context_key()) {
            return Ok(asset);
        }
        asset.map_into_course(self.0).map_err(|source| BindingError::Key { text: text.to_owned(), source })
    }
}

fn data(content: Texts, settings: Texts, key: &str) -> Result<BlockData, BindingError> {
    let (content, settings) = (fields(content, key)?, fields(settings, key)?);
    Ok(BlockData { content, settings, ..BlockData::default() })
}

/// A call with its keys read, to be made as often as the operation is begun anew.
type Ready = Box<dyn Fn(&mut Bulk<'_>) -> Result<Json, RuntimeError> + Send>;

fn ready(
    act: impl Fn(&mut Bulk<'_>) -> Result<(), RuntimeError> + Send + 'static,
) -> Result<Ready, BindingError> {
    Ok(Box::new(move |bulk| act(bulk).map(|()| Json::Null)))
}

impl Call {
    fn ready(self, course: KeysOf<'_>) -> Result<Ready, BindingError> {
        match self {
            Self::CreateItem { usage, content, settings } => {
                let (usage, data) = (course.usage(&usage)?, data(content, settings, &usage)?);
                ready(move |bulk| bulk.create_item(&usage, &data))
            }
            Self::CreateChild { parent, usage, content, settings, position } => {
                let data = data(content, settings, &usage)?;
                let (parent, usage) = (course.usage(&parent)?, course.usage(&usage)?);
                ready(move |bulk| bulk.create_child(&parent, &usage, &data, position))
            }
            Self::UpdateItem { usage, content, settings, unset, children } => {
                let (content, settings) = (fields(content, &usage)?, fields(settings, &usage)?);
                let usage = course.usage(&usage)?;
                let set = |fields: FieldMap| -> Vec<_> {
                    let unset = unset.iter().map(|name| (name.as_str().into(), None));
                    unset.chain(fields.into_iter().map(|(name, value)| (name, Some(value)))).collect()
                };
                let children = children.as_deref().map(|texts| course.usages(texts)).transpose()?;
                let patch = BlockPatch { content: set(content), settings: set(settings), children };
                Ok(Box::new(move |bulk| bulk.update_item(&usage, &patch).map(Json::from)))
            }
            Self::DeleteItem { usage, revision } => {
                let usage = course.usage(&usage)?;
                let revision = match revision.as_deref() {
                    None => Revision::ByCategory,
                    Some("published-only") => Revision::PublishedOnly,
                    Some("all") => Revision::All,
                    Some(other) => {
                        let reason =
                            format!("there is no revision {other:?}: say \"all\" or \"published-only\"");
                        return Err(BindingError::Block { key: Some(usage.to_string()), reason });
                    }
                };
                ready(move |bulk| bulk.delete_item(&usage, revision))
            }
            Self::Publish { usage } => {
                let usage = course.usage(&usage)?;
                ready(move |bulk| bulk.publish(&usage))
            }
            Self::Unpublish { usage } => {
                let usage = course.usage(&usage)?;
                ready(move |bulk| bulk.unpublish(&usage))
            }
            Self::RevertToPublished { usage } => {
                let usage = course.usage(&usage)?;
                ready(move |bulk| bulk.revert_to_published(&usage))
            }
            Self::ForcePublishCourse => ready(|bulk| bulk.force_publish_course()),
            Self::RefreshLibraryContent { usage, library, version } => {
                let (usage, library) = (course.usage(&usage)?, context_key(&library)?);
                let version = version.map(|version| VersionId(version.into()));
                let ids = DerivedIds::AsBefore;
                ready(move |bulk| bulk.refresh_library_content(&usage, &library, version.as_ref(), ids))
            }
            Self::CopyFromTemplate { sources, destination } => {
                let (sources, destination) = (course.usages(&sources)?, course.usage(&destination)?);
                let ids = DerivedIds::AsBefore;
                ready(move |bulk| bulk.copy_from_template(&sources, &destination, None, ids))
            }
            Self::SaveAssetMetadata { asset, fields: own, metadata } => {
                let json = |values: FieldMap| -> Map<String, Json> {
                    values.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
                };
                let own = json(fields(own, &asset)?);
                let mut metadata = json(fields(metadata, &asset)?);
                metadata.insert("fields".to_owned(), own.into());
                let metadata: AssetMetadata =
                    serde_json::from_value(metadata.into()).map_err(no_such_call)?;
                let asset = course.asset(&asset)?;
                ready(move |bulk| bulk.save_asset_metadata(&asset, &metadata))
            }
            Self::DeleteAssetMetadata { asset } => {
                let asset = course.asset(&asset)?;
                Ok(Box::new(move |bulk| bulk.delete_asset_metadata(&asset).map(Json::from)))
            }
        }
    }
}

/// Reads what the Python package wrote.
fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, BindingError> {
    serde_json::from_str(text).map_err(no_such_call)
}

fn no_such_call(error: serde_json::Error) -> BindingError {
    BindingError::Block { key: None, reason: format!("this is no such call: {error}") }
}

/// Says what the branches are at, and which of them are nearly too big.
fn heads(opened: &ModulestoreRuntime, context: &ContextKey, commit: &Commit) -> Json {
    let warnings = opened.size_warnings_of(context, commit);
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    json!({ "draft": commit.draft, "published": commit.published, "warnings": warnings })
}

/// A Modulestore, with what edx-platform asks of one.
#[pyclass(frozen, module = "xblock_runtime._native")]
pub(crate) struct Modulestore {
    url: StoreUrl,
    opened: RwLock<Option<Arc<ModulestoreRuntime>>>,
}

impl Modulestore {
    fn opened(&self) -> Result<Arc<ModulestoreRuntime>, BindingError> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        opened.clone().ok_or_else(|| BindingError::Closed { url: self.url.to_string() })
    }
}

#[pymethods]
impl Modulestore {
    #[new]
    fn new(py: Python<'_>, url: &str, read_only: bool) -> PyResult<Self> {
        py.detach(|| {
            let url: StoreUrl =
                url.parse().map_err(|error| BindingError::from(CoursewareError::StoreUrl(error)))?;
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let mode = if read_only { OpenMode::Read } else { OpenMode::Create };
            let opened = url
                .open_modulestore(mode, registry()?, &clock)
                .map_err(|error| BindingError::from(CoursewareError::Store(error)))?;
            Ok(Self { url, opened: RwLock::new(Some(Arc::new(opened))) })
        })
    }

    #[getter]
    fn url(&self) -> String {
        self.url.to_string()
    }

    fn close(&self) {
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Makes calls on one context as one new version of each branch that changes; returns the heads and the answers.
    fn bulk(
        &self,
        py: Python<'_>,
        context: &str,
        user_id: Option<i64>,
        base: Option<String>,
        message: String,
        calls: &str,
    ) -> PyResult<String> {
        py.detach(|| {
            let context = context_key(context)?;
            let calls = read::<Vec<Call>>(calls)?
                .into_iter()
                .map(|call| call.ready(KeysOf(&context)))
                .collect::<Result<Vec<_>, _>>()?;
            let base = base.map(|base| VersionId(base.into()));
            let options = BulkOptions { author: user_id, base, message };
            let opened = self.opened()?;
            let (answers, commit) = opened
                .bulk(&context, &options, |bulk| {
                    calls.iter().map(|call| call(bulk)).collect::<Result<Vec<_>, _>>()
                })
                .map_err(BindingError::from)?;
            let mut done = heads(&opened, &context, &commit);
            done["answers"] = answers.into();
            Ok(text(&done)?)
        })
    }

    fn create_course(
        &self,
        py: Python<'_>,
        context: &str,
        fields: &str,
        user_id: Option<i64>,
    ) -> PyResult<String> {
        py.detach(|| {
            let Beginning { root, overview } = read(fields)?;
            let data = |given: Given| data(given.content, given.settings, context);
            let (root, overview) = (data(root)?, data(overview)?);
            let options = BulkOptions { author: user_id, ..BulkOptions::default() };
            let context = context_key(context)?;
            let opened = self.opened()?;
            let made = opened.create_course(&context, &root, &overview, &options);
            Ok(text(&heads(&opened, &context, &made.map_err(BindingError::from)?))?)
        })
    }

    fn create_library(
        &self,
        py: Python<'_>,
        context: &str,
        fields: &str,
        user_id: Option<i64>,
    ) -> PyResult<String> {
        py.detach(|| {
            let Given { content, settings } = read(fields)?;
            let root = data(content, settings, context)?;
            let options = BulkOptions { author: user_id, ..BulkOptions::default() };
            let (opened, context) = (self.opened()?, context_key(context)?);
            let made = opened.create_library(&context, &root, &options);
            Ok(text(&heads(&opened, &context, &made.map_err(BindingError::from)?))?)
        })
    }

    fn clone_course(
        &self,
        py: Python<'_>,
        source: &str,
        destination: &str,
        user_id: Option<i64>,
    ) -> PyResult<String> {
        py.detach(|| {
            let (opened, destination) = (self.opened()?, context_key(destination)?);
            let made = opened.rerun(&context_key(source)?, &destination, user_id);
            Ok(text(&heads(&opened, &destination, &made.map_err(BindingError::from)?))?)
        })
    }

    /// Returns the context of a block, with the run that the text of an old key does not name.
    fn context_of(&self, py: Python<'_>, usage: &str) -> PyResult<String> {
        py.detach(|| {
            let usage = self.opened()?.usage_with_run(&usage_key(usage)?).map_err(BindingError::from)?;
            Ok(usage.context_key().to_string())
        })
    }

    /// Returns the context of a file, as `context_of`.
    fn context_of_asset(&self, py: Python<'_>, asset: &str) -> PyResult<String> {
        py.detach(|| {
            let asset = self.opened()?.asset_with_run(&asset_key(asset)?).map_err(BindingError::from)?;
            Ok(asset.context_key().to_string())
        })
    }

    fn has_changes(&self, py: Python<'_>, usage: &str) -> PyResult<bool> {
        py.detach(|| {
            let opened = self.opened()?;
            let usage = opened.usage_with_run(&usage_key(usage)?).map_err(BindingError::from)?;
            Ok(opened.has_changes(&usage).map_err(BindingError::from)?)
        })
    }

    /// Returns who published a block last, and when, as a text of ISO 8601.
    fn published(&self, py: Python<'_>, usage: &str) -> PyResult<Option<(Option<i64>, Option<String>)>> {
        py.detach(|| {
            let opened = self.opened()?;
            let usage = opened.usage_with_run(&usage_key(usage)?).map_err(BindingError::from)?;
            let found = opened.published(&usage).map_err(BindingError::from)?;
            Ok(found
                .map(|EditInfo { edited_on, edited_by }| (edited_by, edited_on.map(|on| on.to_rfc3339()))))
        })
    }

    fn orphans(&self, py: Python<'_>, context: &str, branch_name: &str) -> PyResult<Vec<String>> {
        py.detach(|| {
            let found = self.opened()?.orphans(&context_key(context)?, branch(branch_name)?);
            Ok(found.map_err(BindingError::from)?.iter().map(ToString::to_string).collect())
        })
    }

    fn asset_metadata(&self, py: Python<'_>, context: &str, branch_name: &str) -> PyResult<String> {
        py.detach(|| {
            let found = self.opened()?.asset_metadata(&context_key(context)?, branch(branch_name)?);
            let found = found.map_err(BindingError::from)?;
            let records: Vec<_> =
                found.records.iter().map(|(key, metadata)| (key.to_string(), metadata)).collect();
            let damaged: Vec<_> = found.damaged.iter().map(ToString::to_string).collect();
            Ok(text(&(records, damaged))?)
        })
    }
}

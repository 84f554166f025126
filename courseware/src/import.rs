//! Import: a package becomes one edit on a store.
//!
//! What learners see comes first and is published within the edit; the drafts of the package are laid over it. Where the
//! context exists already, the edit is the difference.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use serde::Serialize;
use xblock_core::block::Registry;
use xblock_core::keys::{AssetKey, ContextKey, UsageKey};
use xblock_core::olx::{
    Diagnostic, OlxError, Package, PackageSource, ReadOptions, Severity, Threads, read_course,
};
use xblock_core::runtime::{
    AssetSource, Base, Branch, ContextRecord, Edit, EditOp, Extent, Origin, Runtime, RuntimeError, VersionId,
};

use crate::branch_content::{AssetContent, BranchContent};
use crate::edit_steps::{ChangeCounts, EditSteps};
use crate::error::CoursewareError;
use crate::origin::Capture;
use crate::progress::{Progress, Stage};
use crate::steady::{as_found, unless_deleted};

/// What to do with a package that has errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnErrors {
    /// Write what could be read; a broken block becomes an `error` block that keeps its XML, and the course around it
    /// goes on.
    #[default]
    Write,
    /// Write nothing.
    Refuse,
}

/// How to import.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions<'a> {
    /// The context to import into; by default the one the package names.
    pub target: Option<&'a ContextKey>,
    /// What to do with a package that has errors; what could be read is written by default.
    pub on_errors: OnErrors,
    /// Who imports; none by default.
    pub author: Option<i64>,
    /// How many threads read the package; many by default.
    pub threads: Threads,
    /// Where to report to and what stops the work.
    pub progress: Progress<'a>,
}

/// What became of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportOutcome {
    /// The store has it now.
    Written,
    /// The store had it already.
    Unchanged,
    /// It has errors; nothing was written.
    Refused,
}

/// What an import found and did.
#[derive(Debug, Clone, Serialize)]
pub struct ImportReport {
    /// The context.
    pub context: ContextKey,
    /// What became of the package.
    pub outcome: ImportOutcome,
    /// How many blocks learners see.
    pub blocks: usize,
    /// How many of each type.
    pub blocks_by_type: BTreeMap<String, usize>,
    /// How many blocks have unpublished changes or were never published.
    pub drafts: usize,
    /// How many static files there are.
    pub assets: usize,
    /// What changed in the store's draft.
    pub changes: ChangeCounts,
    /// The draft's version, where something was written.
    pub version: Option<VersionId>,
    /// The published version, where something was written.
    pub published_version: Option<VersionId>,
    /// What there is to say about the package.
    pub diagnostics: Vec<Diagnostic>,
}

/// Imports a package into a store as one edit: everything becomes visible at once, or nothing does.
///
/// # Errors
/// [`CoursewareError::Olx`] for what is no package at all, [`CoursewareError::OtherKind`], [`CoursewareError::OtherRoot`],
/// [`RuntimeError::Conflict`] where somebody changed the context meanwhile, [`CoursewareError::Deleted`] where somebody deleted
/// it, [`CoursewareError::Interrupted`] and the store's own; then nothing was written. Errors inside a package are diagnostics of the report.
pub fn import(
    source: &Arc<dyn PackageSource>,
    store: &Arc<dyn Runtime>,
    registry: &Registry,
    options: &ImportOptions<'_>,
) -> Result<ImportReport, CoursewareError> {
    let import = PreparedImport::read(source, registry, options)?;
    if import.is_refused() { Ok(import.into_report()) } else { import.write(store, options) }
}

/// A package that was read and is in no store yet.
#[derive(Debug)]
pub struct PreparedImport {
    root: UsageKey,
    published: BranchContent,
    draft: BranchContent,
    /// Whether the package says what an `assetstore` says about files.
    has_metadata: bool,
    origin: Option<Origin>,
    report: ImportReport,
    is_refused: bool,
}

impl PreparedImport {
    /// Reads a package.
    ///
    /// # Errors
    /// [`CoursewareError::Olx`] for what is no package at all, [`CoursewareError::OtherKind`] and
    /// [`CoursewareError::Interrupted`].
    pub fn read(
        source: &Arc<dyn PackageSource>,
        registry: &Registry,
        options: &ImportOptions<'_>,
    ) -> Result<Self, CoursewareError> {
        options.progress.step(Stage::ReadPackage, 0, None)?;
        let mut read = ReadOptions::default().threads(options.threads);
        if let Some(target) = options.target {
            refuse_other_kind(&**source, target)?;
            read = read.target(target.clone());
        }
        let capture = Capture::of(&**source);
        let package = read_course(&capture, &read, registry)?;
        let origin = capture.origin()?;
        let root = package.root.clone();
        let (published, draft) = contents(&package, source);
        let has_metadata = package.asset_metadata.is_some();
        let report = report(package);
        let has_errors = report.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        let is_refused = has_errors && options.on_errors == OnErrors::Refuse;
        Ok(Self { root, published, draft, has_metadata, origin, report, is_refused })
    }

    /// Says whether the package has errors and is not to be written with them.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Returns what there is to say without writing anything.
    #[must_use]
    pub fn into_report(self) -> ImportReport {
        self.report
    }

    /// Writes what was read into a store as one edit, the errors it may have included.
    ///
    /// # Errors
    /// As [`import`].
    pub fn write(
        self,
        store: &Arc<dyn Runtime>,
        options: &ImportOptions<'_>,
    ) -> Result<ImportReport, CoursewareError> {
        let context = self.report.context.clone();
        let found = store.context(&context);
        let was_there = found.is_ok();
        let written = self.write_over(found, store, options);
        if was_there { unless_deleted(&**store, &context, written) } else { written }
    }

    fn write_over(
        self,
        found: Result<ContextRecord, RuntimeError>,
        store: &Arc<dyn Runtime>,
        options: &ImportOptions<'_>,
    ) -> Result<ImportReport, CoursewareError> {
        let Self { root, mut published, mut draft, has_metadata, origin, mut report, .. } = self;
        let context = report.context.clone();
        let (base, ops) = match found {
            Err(RuntimeError::NoSuchContext { .. }) => {
                report.changes = EditSteps::between(&BranchContent::default(), &draft)?.counts;
                (Base::New { root }, replace(&BranchContent::default(), None, &published, &draft)?)
            }
            Err(error) => return Err(error.into()),
            Ok(record) if record.root != root => {
                return Err(CoursewareError::OtherRoot { context, present: record.root, wanted: root });
            }
            Ok(record) => {
                let read = |branch| BranchContent::read_around(store, &context, branch, &options.progress);
                let (present, learners) = as_found(&**store, &record, || {
                    let learners = match record.published {
                        Some(_) => BranchContent::read_replaced(
                            store,
                            &context,
                            Branch::Published,
                            &options.progress,
                        )?,
                        None => None,
                    };
                    Ok((read(Branch::Draft)?, learners))
                })?;
                keep_defaults(learners.as_ref().unwrap_or(&present), &mut published);
                keep_defaults(&present, &mut draft);
                for content in [&mut published, &mut draft] {
                    keep_thumbnails(&present, content)?;
                    if !has_metadata {
                        content.metadata.clone_from(&present.metadata);
                        content.damaged_metadata.clone_from(&present.damaged_metadata);
                    }
                }
                report.changes = EditSteps::between(&present, &draft)?.counts;
                let ops = replace(&present, learners.as_ref(), &published, &draft)?;
                (Base::Version(record.draft.version), ops)
            }
        };
        if ops.is_empty() {
            report.outcome = ImportOutcome::Unchanged;
            keep_origin(store, &context, origin.as_ref(), &mut report.diagnostics);
            return Ok(report);
        }
        let mut edit = Edit::new(context.clone(), base);
        edit.ops = ops;
        edit.author = options.author;
        edit.message = "Import".into();
        options.progress.step(Stage::Write, 0, None)?;
        let commit = store.commit(edit)?;
        report.outcome = ImportOutcome::Written;
        report.version = Some(commit.draft);
        report.published_version = commit.published;
        keep_origin(store, &context, origin.as_ref(), &mut report.diagnostics);
        Ok(report)
    }
}

/// Lets what blocks have from a library stay: a package has none of it.
fn keep_defaults(present: &BranchContent, new: &mut BranchContent) {
    for (usage, data) in &mut new.blocks {
        if let Some(present) = present.blocks.get(usage).filter(|present| !present.defaults.is_empty()) {
            Arc::make_mut(data).defaults.clone_from(&present.defaults);
        }
    }
}

/// Lets the thumbnails of files that stay as they are stay as well: a package has none.
fn keep_thumbnails(present: &BranchContent, new: &mut BranchContent) -> Result<(), CoursewareError> {
    let mut kept = Vec::new();
    for (key, file) in &new.assets {
        let thumbnail =
            file.data.thumbnail.as_deref().map(|name| AssetKey::new(key.context_key(), "thumbnail", name));
        if let Some(Ok(thumbnail)) = thumbnail
            && let (Some(old), Some(picture)) = (present.assets.get(key), present.assets.get(&thumbnail))
            && (old.digest().and_then(|old| Ok(old == file.digest()?)))
                .map_err(|source| CoursewareError::asset(key, source))?
        {
            kept.push((thumbnail, picture.clone()));
        }
    }
    new.assets.extend(kept);
    Ok(())
}

/// Keeps the package for exports to come. The course is in the store whether that succeeds or not.
fn keep_origin(
    store: &Arc<dyn Runtime>,
    context: &ContextKey,
    origin: Option<&Origin>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let kept = match store.origin(context) {
        Ok(present) if present.as_ref() == origin => Ok(()),
        _ => store.keep_origin(context, origin),
    };
    let message = match (kept, origin) {
        (Ok(()), Some(_)) => return,
        (Ok(()), None) => "its files are too large to be kept; an export writes all of them anew".to_owned(),
        (Err(error), _) => {
            format!("its files cannot be kept, so that an export writes all of them anew: {error}")
        }
    };
    diagnostics.push(Diagnostic::new("origin-not-kept", Severity::Warning, message));
}

/// Refuses to make a library of a course or a course of a library: neither could be exported as what it is.
fn refuse_other_kind(source: &dyn PackageSource, target: &ContextKey) -> Result<(), CoursewareError> {
    let exists =
        |path: &str| source.exists(path).map_err(|source| OlxError::Source { path: path.to_owned(), source });
    let found = match (exists("course.xml")?, exists("library.xml")?) {
        (true, _) => "course",
        (false, true) => "library",
        // Reading it will say that it is no package.
        (false, false) => return Ok(()),
    };
    if target.is_course() != (found == "course") {
        return Err(CoursewareError::OtherKind { target: target.clone(), found });
    }
    Ok(())
}

/// Both branches as the package has them.
fn contents(package: &Package, source: &Arc<dyn PackageSource>) -> (BranchContent, BranchContent) {
    let mut published = BranchContent { blocks: package.published.clone(), ..BranchContent::default() };
    for asset in &package.assets {
        let content = PackagedAsset { source: source.clone(), path: asset.path.clone() };
        published.assets.insert(asset.key.clone(), AssetContent::new(asset.data.clone(), Arc::new(content)));
    }
    let metadata = package.asset_metadata.iter().flatten();
    published.metadata = metadata.map(|(key, metadata)| (key.clone(), Arc::new(metadata.clone()))).collect();
    let mut draft = published.clone();
    draft.blocks.extend(package.draft.iter().map(|(usage, data)| (usage.clone(), data.clone())));
    (published, draft)
}

/// What is to be said of a package before anything is done with it.
fn report(package: Package) -> ImportReport {
    let mut blocks_by_type = BTreeMap::new();
    for usage in package.published.keys() {
        *blocks_by_type.entry(usage.block_type().to_owned()).or_default() += 1;
    }
    ImportReport {
        context: package.context,
        outcome: ImportOutcome::Refused,
        blocks: package.published.len(),
        blocks_by_type,
        drafts: package.draft.len(),
        assets: package.assets.len(),
        changes: ChangeCounts::default(),
        version: None,
        published_version: None,
        diagnostics: package.diagnostics,
    }
}

/// The bytes of a static file that lies in a package.
struct PackagedAsset {
    source: Arc<dyn PackageSource>,
    path: String,
}

impl AssetSource for PackagedAsset {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        match self.source.open(&self.path).map_err(io::Error::other)? {
            Some(file) => Ok(file),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// The steps that make a context what a package says; none where it is that already.
pub(crate) fn replace(
    draft_now: &BranchContent,
    published_now: Option<&BranchContent>,
    published: &BranchContent,
    draft: &BranchContent,
) -> Result<Vec<EditOp>, CoursewareError> {
    let is_published = match published_now {
        Some(now) => now.is_same(published)?,
        None => false,
    };
    if is_published {
        return Ok(EditSteps::between(draft_now, draft)?.ops);
    }
    let mut ops = EditSteps::between(draft_now, published)?.ops;
    ops.push(EditOp::Publish(Extent::All));
    ops.extend(EditSteps::between(published, draft)?.ops);
    Ok(ops)
}

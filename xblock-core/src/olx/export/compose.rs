//! A package written beside the one it came from: files that still say what is so stay byte for byte, others change in
//! the places that differ, and the rest is canonical.
//!
//! What comes of it is read before anything is handed on. Files that do not say what the store says are refused and it is
//! tried again without them; in the end everything is canonical, which is right by itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Map;

use crate::block::Registry;
use crate::fields::Json;
use crate::keys::{AssetKey, ContextKey, UsageKey};
use crate::olx::json_line::json_indented;
use crate::olx::package::{Package, Trace, read_course_traced, read_json};
use crate::olx::write::{BlockSource, WriteError};
use crate::olx::{
    Diagnostic, Document, MemorySink, PackageSink, PackageSource, ParseOptions, ReadOptions, SourceError,
    Threads, read_course,
};
use crate::runtime::{
    AssetData, AssetMetadata, AssetRecord, BlockData, Branch, ContextRecord, Origin, Runtime, RuntimeError,
};

use super::assets::{
    ASSET_POLICY, ASSET_RECORDS, asset_policy, asset_records, exported_assets, static_path, unreadable_record,
};
use super::course::{Parts, record_branch};
use super::host::{Exporter, Kept};
use super::layout::{Blocks, Layout, Sides, home, is_same_tree, others, policy_key};
use super::policy::own_metadata;
use super::sink::{ExportOptions, ExportReport};

/// How often a package is put together anew without files that turned out not to be right.
const ROUNDS: usize = 8;

type Files = BTreeMap<String, Vec<u8>>;

/// Files of a package, with static ones of which only the paths are known.
struct Draft<'a> {
    files: &'a Files,
    statics: &'a BTreeSet<String>,
}

impl PackageSource for Draft<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.files.get(path).cloned())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut names = BTreeSet::new();
        let files = self.files.range(prefix.clone()..).map(|(path, _)| path);
        let statics = self.statics.range(prefix.clone()..);
        for path in
            files.take_while(|p| p.starts_with(&prefix)).chain(statics.take_while(|p| p.starts_with(&prefix)))
        {
            let rest = &path[prefix.len()..];
            names.insert(match rest.split_once('/') {
                Some((folder, _)) => format!("{folder}/"),
                None => rest.to_owned(),
            });
        }
        Ok(names.into_iter().collect())
    }

    fn exists(&self, path: &str) -> Result<bool, SourceError> {
        Ok(self.files.contains_key(path))
    }
}

/// Writes a context beside its origin; nothing where that is of no use.
pub(super) fn write_beside(
    origin: &Origin,
    runtime: &dyn Runtime,
    context: &ContextKey,
    options: ExportOptions<'_>,
    registry: &Registry,
    sink: &mut dyn PackageSink,
) -> Result<Option<ExportReport>, WriteError> {
    let record = runtime.context(context)?;
    let branch = record_branch(&record);
    let (Some(published), Some(draft)) =
        (contents(runtime, context, branch)?, contents(runtime, context, Branch::Draft)?)
    else {
        return Ok(None);
    };
    let assets = exported_assets(runtime, context, branch)?;
    let asset_metadata = match runtime.asset_metadata(context, Branch::Draft) {
        Err(error) if error.is_damage() => return Ok(None),
        found => found?,
    };
    let statics: BTreeSet<String> =
        assets.iter().map(|asset| format!("static/{}", static_path(asset))).collect();
    let read = ReadOptions::default().target(context.clone());
    let source = Draft { files: origin.files(), statics: &statics };
    let Ok((package, trace)) = read_course_traced(&source, &read, registry) else { return Ok(None) };
    if package.root != record.root {
        return Ok(None);
    }
    let mut composer = Composer {
        runtime,
        registry,
        context,
        record: &record,
        options,
        origin: origin.files(),
        statics: &statics,
        assets: &assets,
        asset_metadata: &asset_metadata.records,
        then_draft: over(&package.published, &package.draft),
        package: &package,
        trace: &trace,
        published: &published,
        draft: &draft,
        refused: BTreeSet::new(),
    };
    let Some((files, mut report)) = composer.compose()? else { return Ok(None) };
    if !files.keys().all(|path| sink.takes(path)) {
        return Ok(None);
    }
    for (path, bytes) in &files {
        sink.write(path, bytes).map_err(|source| WriteError::File { path: path.clone(), source })?;
    }
    let mut exporter = Exporter::new(runtime, registry, context, &record.root, options, sink, branch);
    exporter.static_files()?;
    report.assets = exporter.report.assets;
    report.diagnostics.append(&mut exporter.report.diagnostics);
    report.diagnostics.extend(asset_metadata.damaged.iter().map(unreadable_record));
    Ok(Some(report))
}

/// Reads all blocks of a branch; nothing where one cannot be read.
fn contents(
    runtime: &dyn Runtime,
    context: &ContextKey,
    branch: Branch,
) -> Result<Option<Blocks>, RuntimeError> {
    let mut blocks = Blocks::new();
    let usages = match runtime.usages(context, branch) {
        Err(error) if error.is_damage() => return Ok(None),
        usages => usages?,
    };
    for usage in usages {
        match runtime.block(&usage, branch) {
            Err(error) if error.is_damage() => return Ok(None),
            record => drop(blocks.insert(usage, record?.data)),
        }
    }
    Ok(Some(blocks))
}

/// Lays the blocks of the draft over those that are published.
fn over(published: &Blocks, draft: &Blocks) -> Blocks {
    let mut all = published.clone();
    all.extend(draft.iter().map(|(usage, data)| (usage.clone(), data.clone())));
    all
}

struct Composer<'a> {
    runtime: &'a dyn Runtime,
    registry: &'a Registry,
    context: &'a ContextKey,
    record: &'a ContextRecord,
    options: ExportOptions<'a>,
    origin: &'a Files,
    statics: &'a BTreeSet<String>,
    assets: &'a [AssetRecord],
    asset_metadata: &'a [(AssetKey, AssetMetadata)],
    package: &'a Package,
    trace: &'a Trace,
    /// The draft branch as the origin has it.
    then_draft: Blocks,
    published: &'a Blocks,
    draft: &'a Blocks,
    /// Files that turned out not to be right.
    refused: BTreeSet<String>,
}

impl Composer<'_> {
    /// Puts the files together but the static ones; nothing where no file can be kept.
    fn compose(&mut self) -> Result<Option<(Files, ExportReport)>, WriteError> {
        let mut canonical = None;
        for _ in 0..ROUNDS {
            let refused = self.refused.len();
            let policy = self.policy();
            let kept = self.kept(&policy);
            let mut sink = MemorySink::default();
            let mut exporter = self.exporter(&mut sink);
            exporter.kept = Some(&kept);
            exporter.whole(self.record.published.is_some(), Parts::Blocks)?;
            let policies = std::mem::take(&mut exporter.policies);
            let (added, conflicts) =
                (std::mem::take(&mut exporter.added), std::mem::take(&mut exporter.conflicts));
            let visited = std::mem::take(&mut exporter.visited);
            let mut report = std::mem::take(&mut exporter.report);
            self.refused.extend(conflicts);
            let Some(mut files) = self.kept_files(&kept, &visited, &added, &sink.files) else { continue };
            if self.refused.len() > refused {
                continue;
            }
            self.keep_json(&mut sink.files);
            self.put_policy(&mut files, &kept, &policy, policies);
            self.put_assets(&mut files, &mut report.diagnostics);
            files.append(&mut sink.files);
            let wrong = self.wrong(&files, &mut canonical)?;
            if wrong.is_empty() {
                return Ok(Some((files, report)));
            }
            self.refuse(&wrong);
            if self.refused.len() == refused {
                return Ok(None);
            }
        }
        Ok(None)
    }

    fn exporter<'s>(&'s self, sink: &'s mut dyn PackageSink) -> Exporter<'s> {
        let branch = record_branch(self.record);
        // Progress is told once, however often it is tried.
        let options = ExportOptions { progress: None, ..self.options };
        Exporter::new(self.runtime, self.registry, self.context, &self.record.root, options, sink, branch)
    }

    /// Returns the settings in the origin's policy file.
    fn policy(&self) -> Map<String, Json> {
        let bytes = self.trace.policy.as_ref().and_then(|path| self.origin.get(path));
        match bytes.and_then(|bytes| read_json(bytes).ok()) {
            Some((Json::Object(policy), _)) => policy,
            _ => Map::new(),
        }
    }

    /// Decides which files stay.
    fn kept(&self, policy: &Map<String, Json>) -> Kept {
        let mut refused = self.refused.clone();
        let root = &self.record.root;
        if !self.is_same_course() {
            refused.extend(self.trace.published.blocks.get(root).into_iter().flat_map(|block| {
                let own = home(block).map(|(file, _)| file.to_owned());
                own.into_iter().chain([block.file.as_str().to_owned()])
            }));
        }
        let sides = Sides {
            files: self.origin,
            trace: &self.trace.published,
            then: &self.package.published,
            now: self.published,
            below: None,
            registry: self.registry,
            policy,
            refused: &refused,
            root,
        };
        let mut kept = Kept { published: Layout::plan(&sides), ..Kept::default() };
        for (usage, paths) in &self.trace.pages {
            let is_same = self.package.published.get(usage) == self.published.get(usage);
            if is_same && !paths.iter().any(|path| refused.contains(path)) {
                kept.pages.insert(usage.clone());
                kept.published.kept.extend(paths.iter().cloned());
            }
        }
        if self.record.published.is_none() {
            return kept;
        }
        let is_top_kept = |usage: &&UsageKey| self.is_top_kept(usage);
        kept.tops = self.trace.tops.keys().filter(is_top_kept).cloned().collect();
        let mut refused_drafts = refused.clone();
        for usage in self.trace.tops.keys().filter(|usage| !kept.tops.contains(*usage)) {
            refused_drafts
                .extend(self.trace.draft.blocks.get(usage).and_then(home).map(|(file, _)| file.to_owned()));
        }
        let nothing = Map::new();
        let drafts = Sides {
            trace: &self.trace.draft,
            then: &self.then_draft,
            now: self.draft,
            below: Some(self.published),
            policy: &nothing,
            refused: &refused_drafts,
            ..sides
        };
        kept.draft = Layout::plan(&drafts);
        kept
    }

    /// Says whether the origin's root file names this course.
    fn is_same_course(&self) -> bool {
        let path = if self.context.is_course() { "course.xml" } else { "library.xml" };
        let bytes = self.origin.get(path).map(Vec::as_slice).unwrap_or_default();
        let Ok(document) = Document::parse(path.into(), bytes, &ParseOptions::platform()) else {
            return false;
        };
        let root = &document.root;
        if let Some(course) = self.context.as_course() {
            let run = root.get("url_name").or_else(|| root.get("slug"));
            return [root.get("org"), root.get("course"), run]
                == [Some(course.org()), Some(course.course()), Some(course.run())];
        }
        let first = self.context.as_library().map(|library| (library.org(), library.library()));
        let second = self.context.as_library_v2().map(|library| (library.org(), library.slug()));
        first
            .or(second)
            .is_none_or(|(org, library)| [root.get("org"), root.get("library")] == [Some(org), Some(library)])
    }

    /// Says whether the top of a draft subtree has its place still, and a reason to stand there.
    fn is_top_kept(&self, usage: &UsageKey) -> bool {
        let Some((Some(parent), _)) = self.trace.tops.get(usage) else { return false };
        let place = |blocks: &Blocks| blocks.get(parent)?.children.iter().position(|child| child == usage);
        if place(&self.then_draft) != place(self.draft) {
            return false;
        }
        // One that was without need of old stays; one that was published since goes.
        let is_needed = |published: &Blocks, draft: &Blocks| !is_same_tree(usage, published, draft);
        is_needed(self.published, self.draft) || !is_needed(&self.package.published, &self.then_draft)
    }

    /// Collects the files that stay, with their changes; nothing where a change cannot be made.
    fn kept_files(
        &mut self,
        kept: &Kept,
        visited: &HashSet<(&'static str, UsageKey)>,
        added: &HashMap<(&'static str, UsageKey), String>,
        written: &Files,
    ) -> Option<Files> {
        let mut files = Files::new();
        let understood = self.understood();
        for (path, bytes) in self.origin {
            if !understood.contains(path.as_str()) && !written.contains_key(path) {
                files.insert(path.clone(), bytes.clone());
            }
        }
        let mut failed = Vec::new();
        for (layout, folder) in [(&kept.published, ""), (&kept.draft, "drafts/")] {
            let left = self.left(folder, visited);
            for path in layout.kept.iter().filter(|path| !left.contains(*path)) {
                if let Some(bytes) = self.origin.get(path) {
                    files.insert(path.clone(), bytes.clone());
                }
            }
            let replaced = layout.replaced.iter().filter(|(path, _)| !left.contains(*path));
            files.extend(replaced.map(|(path, bytes)| (path.clone(), bytes.clone())));
            for (path, patch) in layout.patched.iter().filter(|(path, _)| !left.contains(*path)) {
                match patch.clone().finish(&|usage| added.get(&(folder, usage.clone())).cloned()) {
                    Some(bytes) => drop(files.insert(path.clone(), bytes)),
                    None => failed.push(path.clone()),
                }
            }
        }
        // What is written anew has its path to itself.
        failed.extend(written.keys().filter(|path| files.contains_key(*path)).cloned());
        let is_right = failed.is_empty();
        self.refused.extend(failed);
        is_right.then_some(files)
    }

    /// Lists the files nothing leads to any more: their blocks have other places now, or none.
    fn left(&self, folder: &'static str, visited: &HashSet<(&'static str, UsageKey)>) -> BTreeSet<String> {
        let (trace, blocks, tops) = match folder {
            "" => (&self.trace.published, &self.package.published, vec![&self.record.root]),
            _ => (&self.trace.draft, &self.then_draft, self.trace.tops.keys().collect()),
        };
        let mut reached = HashSet::new();
        let mut next = tops;
        while let Some(usage) = next.pop() {
            if reached.insert(usage)
                && let Some(data) = blocks.get(usage)
            {
                next.extend(&data.children);
            }
        }
        let (mut used, mut left) = (BTreeSet::new(), BTreeSet::new());
        for (usage, block) in &trace.blocks {
            // What nothing led to of old stays as it was.
            let is_used = visited.contains(&(folder, usage.clone())) || !reached.contains(usage);
            let own = home(block).map(|(file, _)| file.to_owned());
            let paths = own.into_iter().chain(others(block).cloned());
            if is_used { used.extend(paths) } else { left.extend(paths) }
        }
        left.retain(|path| !used.contains(path));
        left
    }

    /// Gives JSON files that were written anew the bytes they had, where those mean the same.
    fn keep_json(&self, written: &mut Files) {
        for (path, bytes) in written.iter_mut().filter(|(path, _)| path.ends_with(".json")) {
            if let Some(old) = self.origin.get(path)
                && let (Ok((then, _)), Ok((now, _))) = (read_json(old), read_json(bytes))
                && then == now
            {
                bytes.clone_from(old);
            }
        }
    }

    /// Lists the files of the origin that say something of a block or static file.
    fn understood(&self) -> BTreeSet<&str> {
        let mut paths: BTreeSet<&str> = [ASSET_POLICY, ASSET_RECORDS].into();
        for block in self.trace.published.blocks.values().chain(self.trace.draft.blocks.values()) {
            paths.insert(block.file.as_str());
            paths.extend(block.files.iter().map(String::as_str));
        }
        paths.extend(self.trace.pages.values().flatten().map(String::as_str));
        paths.extend(self.trace.policy.as_deref());
        paths.extend(self.trace.grading.as_deref());
        paths
    }

    /// Adds the policy file and the grading policy: as they were, or with the settings of blocks that changed.
    fn put_policy(
        &self,
        files: &mut Files,
        kept: &Kept,
        policy: &Map<String, Json>,
        written: BTreeMap<String, Map<String, Json>>,
    ) {
        let Some(run) = self.context.as_course().map(|course| course.run()) else { return };
        let root = &self.record.root;
        let is_same_course = self.is_same_course();
        let mut new = policy.clone();
        if !is_same_course {
            new.retain(|key, _| !key.starts_with("course/"));
        }
        for usage in self.trace.published.blocks.keys().chain(self.published.keys()) {
            let is_kept = kept.published.home(usage).is_some()
                || kept.published.is_elsewhere(usage)
                || self.trace.pages.contains_key(usage);
            if !is_kept {
                new.shift_remove(&policy_key(usage, root));
            }
        }
        let object =
            |new: &mut Map<String, Json>, key: &str, change: &mut dyn FnMut(&mut Map<String, Json>)| {
                if let Json::Object(settings) = new.entry(key).or_insert_with(|| Json::Object(Map::new())) {
                    change(settings);
                }
            };
        for (key, name, value) in &kept.published.policy {
            object(&mut new, key, &mut |settings| match value {
                Some(value) => drop(settings.insert(name.clone(), value.clone())),
                None => drop(settings.shift_remove(name)),
            });
        }
        for (key, values) in written {
            object(&mut new, &key, &mut |settings| settings.extend(values.clone()));
        }
        let now = self.published.get(root);
        if kept.published.home(root).is_none()
            && let Some(data) = now
        {
            let root_type = self.registry.block_type(root.block_type());
            let source = BlockSource { usage: root, block_type: &root_type, data };
            object(&mut new, &policy_key(root, root), &mut |settings| {
                for (name, value) in own_metadata(&source) {
                    settings.entry(name).or_insert(value);
                }
            });
        }
        let path = |known: &Option<String>, name: &str| match known {
            Some(path) if is_same_course => path.clone(),
            _ => format!("policies/{run}/{name}"),
        };
        let policy_path = path(&self.trace.policy, "policy.json");
        match self.origin.get(&policy_path) {
            Some(bytes) if new == *policy => drop(files.insert(policy_path, bytes.clone())),
            None if new.is_empty() => {}
            _ => drop(files.insert(policy_path, json_indented(&Json::Object(new)).into_bytes())),
        }
        let grading =
            |blocks: &Blocks| blocks.get(root).and_then(|data| data.content.get("grading_policy")).cloned();
        let (then, now) = (grading(&self.package.published), grading(self.published));
        let grading_path = path(&self.trace.grading, "grading_policy.json");
        match (self.origin.get(&grading_path), now) {
            (Some(bytes), now) if then == now => drop(files.insert(grading_path, bytes.clone())),
            (_, Some(now)) => drop(files.insert(grading_path, json_indented(&now).into_bytes())),
            (_, None) => {}
        }
    }

    /// Adds what is said of static files.
    fn put_assets(&self, files: &mut Files, diagnostics: &mut Vec<Diagnostic>) {
        let then: BTreeMap<&AssetKey, &AssetData> =
            self.package.assets.iter().map(|asset| (&asset.key, &asset.data)).collect();
        let now: BTreeMap<&AssetKey, &AssetData> =
            self.assets.iter().map(|asset| (&asset.key, &asset.data)).collect();
        let mut kept = |path: &str, is_same: bool, anew: &mut dyn FnMut() -> Option<Vec<u8>>| {
            let bytes = if is_same { self.origin.get(path).cloned() } else { anew() };
            files.extend(bytes.map(|bytes| (path.to_owned(), bytes)));
        };
        kept(ASSET_POLICY, then == now, &mut || Some(asset_policy(self.assets)));
        kept(
            ASSET_RECORDS,
            self.package.asset_metadata.as_deref().unwrap_or_default() == self.asset_metadata,
            &mut || self.context.is_course().then(|| asset_records(self.asset_metadata, diagnostics)),
        );
    }

    /// Lists the blocks that would not be what they are once the files are read; those that the canonical form brings
    /// back no better are right as they are.
    fn wrong(
        &self,
        files: &Files,
        canonical: &mut Option<(Blocks, Blocks)>,
    ) -> Result<BTreeSet<UsageKey>, WriteError> {
        let Some((published, draft)) = self.read(files) else {
            return Ok(self.draft.keys().chain(self.published.keys()).cloned().collect());
        };
        let mut wrong = differences(&published, self.published);
        if self.record.published.is_some() {
            wrong.extend(differences(&draft, self.draft));
        }
        if wrong.is_empty() {
            return Ok(wrong);
        }
        if canonical.is_none() {
            let mut sink = MemorySink::default();
            self.exporter(&mut sink).whole(self.record.published.is_some(), Parts::WithoutStatics)?;
            *canonical = self.read(&sink.files);
        }
        if let Some((best_published, best_draft)) = canonical {
            wrong.retain(|usage| {
                let is_best = |is: &Blocks, wanted: &Blocks, best: &Blocks| {
                    is_same(is.get(usage), wanted.get(usage)) || is_same(is.get(usage), best.get(usage))
                };
                let is_draft_best =
                    self.record.published.is_none() || is_best(&draft, self.draft, best_draft);
                !(is_best(&published, self.published, best_published) && is_draft_best)
            });
        }
        Ok(wrong)
    }

    /// Reads files as a package: what is published, and the draft branch.
    fn read(&self, files: &Files) -> Option<(Blocks, Blocks)> {
        // Whoever exports has said nothing of threads.
        let read = ReadOptions::default().target(self.context.clone()).threads(Threads::One);
        let source = Draft { files, statics: self.statics };
        let package = read_course(&source, &read, self.registry).ok()?;
        let draft = over(&package.published, &package.draft);
        (package.root == self.record.root).then_some((package.published, draft))
    }

    /// Refuses the files that blocks and their parents came from.
    fn refuse(&mut self, wrong: &BTreeSet<UsageKey>) {
        let before = self.refused.len();
        let mut suspects = wrong.clone();
        for blocks in [&self.package.published, &self.then_draft, self.published, self.draft] {
            let is_parent = |data: &BlockData| data.children.iter().any(|child| wrong.contains(child));
            suspects
                .extend(blocks.iter().filter(|(_, data)| is_parent(data)).map(|(usage, _)| usage.clone()));
        }
        for usage in &suspects {
            self.refused.extend(self.trace.pages.get(usage).into_iter().flatten().cloned());
            for trace in [&self.trace.published, &self.trace.draft] {
                if let Some(block) = trace.blocks.get(usage) {
                    self.refused.extend(home(block).map(|(file, _)| file.to_owned()));
                    self.refused.extend(others(block).cloned());
                }
            }
        }
        if self.refused.len() == before {
            let drafts = self.trace.draft.blocks.values().filter_map(home);
            self.refused.extend(drafts.map(|(file, _)| file.to_owned()));
        }
    }
}

fn differences(a: &Blocks, b: &Blocks) -> BTreeSet<UsageKey> {
    let all = a.keys().chain(b.keys());
    all.filter(|usage| !is_same(a.get(*usage), b.get(*usage))).cloned().collect()
}

/// Says whether two blocks are the same but for the file they were read from.
fn is_same(a: Option<&Arc<BlockData>>, b: Option<&Arc<BlockData>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b || without_file(a) == without_file(b),
        (None, None) => true,
        _ => false,
    }
}

fn without_file(data: &BlockData) -> BlockData {
    let mut data = data.clone();
    if let Some(Json::Object(attributes)) = data.settings.get_mut("xml_attributes") {
        attributes.shift_remove("filename");
        if attributes.is_empty() {
            data.settings.shift_remove("xml_attributes");
        }
    }
    data
}

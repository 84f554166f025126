//! Static files that belong to one block: what lies in the folder `static/` beside its definition, in the same state.

use std::collections::BTreeMap;

use xblock_core::keys::UsageKey;
use xblock_core::runtime::{AssetReader, BlockAsset, Branch, RuntimeError};

use super::BlockstoreRuntime;
use super::assets::OpenAsset;
use super::definitions::Source;
use super::locating::Located;
use super::view::View;
use crate::document::FileRecord;

/// The files of a block, by name.
struct Files {
    source: Source,
    /// The folder they lie in, with a slash at its end.
    folder: String,
    records: BTreeMap<String, FileRecord>,
}

impl BlockstoreRuntime {
    pub(super) fn list_block_assets(
        &self,
        usage: &UsageKey,
        branch: Branch,
    ) -> Result<Vec<BlockAsset>, RuntimeError> {
        self.look(&usage.context_key(), &[branch], |view| {
            let files = self.files_of_block(view, usage, branch)?;
            Ok(files.records.iter().map(|(name, record)| asset_of(name, record)).collect())
        })
    }

    pub(super) fn read_asset_of_block(
        &self,
        usage: &UsageKey,
        name: &str,
        branch: Branch,
    ) -> Result<Vec<u8>, RuntimeError> {
        self.look(&usage.context_key(), &[branch], |view| {
            let files = self.files_of_block(view, usage, branch)?;
            let record = files.records.get(name).ok_or_else(|| RuntimeError::NoSuchBlockAsset {
                usage: usage.clone(),
                name: name.to_owned(),
                branch,
            })?;
            Ok(self.read_file(files.source, &format!("{}{name}", files.folder), record)?)
        })
    }

    pub(super) fn open_asset_of_block(
        &self,
        usage: &UsageKey,
        name: &str,
        branch: Branch,
    ) -> Result<Box<dyn AssetReader>, RuntimeError> {
        let context = usage.context_key();
        self.look(&context, &[branch], |view| {
            let missing =
                || RuntimeError::NoSuchBlockAsset { usage: usage.clone(), name: name.to_owned(), branch };
            let files = self.files_of_block(view, usage, branch)?;
            let record = files.records.get(name).ok_or_else(missing)?;
            let asset = asset_of(name, record).in_context(&context).ok_or_else(missing)?;
            let path = format!("{}{name}", files.folder);
            let file = self.open_file(view.tables.db, files.source, &path, record)?;
            Ok(Box::new(OpenAsset::new(asset, file)) as Box<dyn AssetReader>)
        })
    }

    /// Finds the files beside a definition; the state of a bundle lists them, whoever includes it.
    fn files_of_block(
        &self,
        view: &View<'_>,
        usage: &UsageKey,
        branch: Branch,
    ) -> Result<Files, RuntimeError> {
        let state = view.state(branch)?;
        let located = self
            .locate(view, &state, usage)?
            .ok_or_else(|| RuntimeError::NoSuchUsage { key: usage.clone(), branch })?;
        let own = match &located {
            Located::Alias(own, _) => own,
            _ => usage,
        };
        let (path, source) = match &located {
            Located::Pinned { pinned, path, .. } => {
                (path.clone(), Source { bundle: pinned.bundle, draft: None })
            }
            _ => (view.conventions.path(own.block_type(), own.block_id()), view.source(branch)),
        };
        let folder = format!("{}static/", path.strip_suffix("definition.xml").unwrap_or(&path));
        let mut records = BTreeMap::new();
        let mut take = |path: &String, record: Option<&FileRecord>| {
            let name = path[folder.len()..].to_owned();
            match record {
                Some(record) => drop(records.insert(name, record.clone())),
                None => drop(records.remove(&name)),
            }
        };
        let (snapshot, document) = match (&located, view.row.draft, branch) {
            (Located::MadeUp, ..) => (None, None),
            (Located::Pinned { pinned, .. }, ..) => {
                (Some(self.store.snapshot(pinned.bundle, pinned.snapshot)?), None)
            }
            (_, Some(draft), Branch::Draft) => {
                let (document, _) = self.store.draft_now(view.tables.db, draft)?;
                let base = document.base_snapshot;
                (base.map(|base| self.store.snapshot(view.row.bundle, base)).transpose()?, Some(document))
            }
            _ => match view.row.latest {
                Some((_, digest)) => (Some(self.store.snapshot(view.row.bundle, digest)?), None),
                None => (None, None),
            },
        };
        let committed = snapshot.iter().flat_map(|snapshot| snapshot.files.range(folder.clone()..));
        for (path, record) in committed.take_while(|(path, _)| path.starts_with(&folder)) {
            take(path, Some(record));
        }
        let staged = document.iter().flat_map(|document| document.files_to_overwrite.range(folder.clone()..));
        for (path, record) in staged.take_while(|(path, _)| path.starts_with(&folder)) {
            take(path, record.as_ref());
        }
        Ok(Files { source, folder, records })
    }
}

fn asset_of(name: &str, record: &FileRecord) -> BlockAsset {
    BlockAsset {
        name: name.to_owned(),
        content_type: record.mime.as_deref().map(str::to_owned),
        length: record.size,
        digest: record.hash.to_string().into(),
    }
}

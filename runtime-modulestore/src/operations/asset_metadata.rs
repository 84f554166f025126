//! `save_asset_metadata` and its like: what an `assetstore` says about files, in the structures of both branches (modulestore
//! reference, section 11). The files themselves are the contentstore's, which knows nothing of these records.

use std::collections::BTreeMap;

use xblock_core::fields::{MAX_DEPTH, is_too_deep};
use xblock_core::keys::{AssetKey, ContextKey};
use xblock_core::runtime::{AssetMetadata, AssetMetadataRecords, Branch, RuntimeError};

use super::branch::OpenBranch;
use super::bulk::Bulk;
use crate::documents::{
    ASSETSTORE, find_record, put_record, read_old_records, read_record, records_of, remove_record,
};
use crate::runtime::ModulestoreRuntime;
use crate::store::Collection;

impl Bulk<'_> {
    /// Keeps what is said of a file, in both branches, in place of what was said before.
    ///
    /// # Errors
    /// [`RuntimeError::WrongContext`], [`RuntimeError::Corrupt`].
    pub fn save_asset_metadata(
        &mut self,
        key: &AssetKey,
        metadata: &AssetMetadata,
    ) -> Result<(), RuntimeError> {
        self.own_file(key)?;
        for branch in Branch::ALL {
            let Some(open) = self.branch(branch) else { continue };
            let stamp = open.stamp;
            let mut assets = open.assets()?;
            let place = format!("the metadata of {key}");
            let old = find_record(&assets, key);
            let old = match old.map(|old| read_record(old, &place)) {
                // What is said now takes the place of what cannot be read.
                Some(Err(error)) if error.is_damage() => AssetMetadata::default(),
                old => old.transpose()?.unwrap_or_default(),
            };
            if let Some((name, _)) = metadata.fields.iter().find(|(_, value)| is_too_deep(value)) {
                return Err(RuntimeError::Unstorable {
                    place: format!("field {name:?} of {key}"),
                    reason: format!("its value is nested deeper than {MAX_DEPTH} levels"),
                });
            }
            let mut new = metadata.clone();
            new.created_by = new.created_by.or(old.created_by).or(stamp.edited_by);
            new.created_on = new.created_on.or(old.created_on).or(Some(stamp.edited_on));
            (new.edited_by, new.edited_on) = (stamp.edited_by, Some(stamp.edited_on));
            put_record(&mut assets, key, &new);
            open.set_assets(assets);
        }
        Ok(())
    }

    /// Forgets what is said of a file, in both branches; says whether anything was.
    ///
    /// # Errors
    /// As [`Bulk::save_asset_metadata`].
    pub fn delete_asset_metadata(&mut self, key: &AssetKey) -> Result<bool, RuntimeError> {
        self.own_file(key)?;
        let mut was_there = false;
        for branch in Branch::ALL {
            let Some(open) = self.branch(branch) else { continue };
            let mut assets = open.assets()?;
            if remove_record(&mut assets, key) {
                was_there = true;
                open.set_assets(assets);
            }
        }
        Ok(was_there)
    }

    fn own_file(&self, key: &AssetKey) -> Result<(), RuntimeError> {
        if key.context_key() == *self.reader.context {
            return Ok(());
        }
        Err(RuntimeError::WrongContext { key: key.to_string(), context: self.reader.context.clone() })
    }

    /// Returns a branch, where there is one.
    fn branch(&mut self, branch: Branch) -> Option<&mut OpenBranch> {
        match branch {
            Branch::Draft => Some(&mut self.draft),
            Branch::Published => Some(&mut self.published).filter(|open| open.exists()),
        }
    }
}

impl ModulestoreRuntime {
    /// Returns what is said of the files of a branch; of a course of Old Mongo both branches say the same.
    pub(crate) fn asset_records(
        &self,
        context: &ContextKey,
        branch: Branch,
    ) -> Result<AssetMetadataRecords, RuntimeError> {
        if self.old_course(context)?.is_some() {
            let (mut found, mut damaged) = (BTreeMap::new(), Vec::new());
            let docs = self.store.read()?;
            docs.each_document(&Collection::Other(ASSETSTORE.to_owned()), &mut |raw| {
                let mut read = read_old_records(raw, context)?;
                for (key, metadata) in read.records {
                    found.entry(key).or_insert(metadata);
                }
                damaged.append(&mut read.damaged);
                Ok(())
            })?;
            return Ok(AssetMetadataRecords { records: found.into_iter().collect(), damaged });
        }
        self.in_branch(context, branch, |_, structure| records_of(structure, context))
    }
}

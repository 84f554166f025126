//! The static files of a branch, and those that cannot be described.

use xblock_core::keys::ContextKey;
use xblock_core::runtime::{AssetRecord, Branch, RuntimeError, Unlisted};

use super::{ModulestoreRuntime, head_id};
use crate::assets::{self, ListedFiles};
use crate::store::DocumentReads;

/// What is known of files, and which of them are damaged.
pub(super) type Described = (Vec<AssetRecord>, Vec<Unlisted>);

impl ModulestoreRuntime {
    /// Describes all files of a branch.
    pub(super) fn files(&self, context: &ContextKey, branch: Branch) -> Result<Described, RuntimeError> {
        if self.old_course(context)?.is_some() {
            let docs = self.store.read()?;
            return self.described(&*docs, assets::list_published(&*docs, context)?);
        }
        self.in_context(context, |reader, index| {
            head_id(index, context, branch)?;
            let listed = match branch {
                Branch::Draft => assets::list_draft(reader.docs, context)?,
                Branch::Published => assets::list_published(reader.docs, context)?,
            };
            self.described(reader.docs, listed)
        })
    }

    /// Describes files; one that is damaged takes no other along.
    pub(super) fn described(
        &self,
        docs: &dyn DocumentReads,
        listed: ListedFiles,
    ) -> Result<Described, RuntimeError> {
        let (mut records, mut damaged) = (Vec::new(), listed.unnamed);
        for (key, found) in listed.files {
            match self.asset_record(docs, &key, &found) {
                Ok(record) => records.push(record),
                Err(error) => damaged.push(Unlisted::asset(Some(key), error)?),
            }
        }
        Ok((records, damaged))
    }
}

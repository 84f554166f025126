//! Damaged documents of dumps, which stand beside those of their collection, and documents that no course leads to.

use std::collections::HashSet;

use xblock_core::runtime::{RuntimeError, Severity};

use super::fsck::Check;
use crate::documents::{
    ASSETSTORE, Bucket, CourseIndex, FileId, digest_of, malformed, misshapen, read_any_old_records,
};
use crate::dump::{TAKEN_ID, chunk_place, damage_of, is_kept_only};
use crate::store::{Collection, OLD_MONGO};

/// Names them all; those of collections nobody knows only where every byte is read.
pub(super) fn check(check: &mut Check<'_>, is_quick: bool) -> Result<(), RuntimeError> {
    // Indexes that cannot be read were told of with the others.
    check
        .aside(&Collection::Indexes, "several_indexes", |document| Ok(CourseIndex::read(document).is_ok()))?;
    check.aside(&Collection::Structures, "structure", |_| Ok(true))?;
    check.aside(&Collection::Definitions, "definition", |_| Ok(true))?;
    for bucket in Bucket::ALL {
        check.aside(&Collection::Files(bucket), "file", |_| Ok(true))?;
        let docs = check.docs;
        let mut places = HashSet::new();
        check.aside(&Collection::Chunks(bucket), "chunk", |document| {
            let Some(place) = chunk_place(document).ok().filter(|_| malformed(document).is_none()) else {
                return Ok(true);
            };
            // One that is whole is kept here because its file is gone, or has another one in its place.
            let (file, number) = &place;
            let mut is_taken = docs.file(bucket, file)?.is_some();
            docs.some_chunks(bucket, file, *number..number.saturating_add(1), &mut |_| {
                is_taken = true;
                Ok(())
            })?;
            Ok(is_taken || !places.insert(place))
        })?;
    }
    check.old_records()?;
    if is_quick {
        return Ok(());
    }
    for name in check.docs.other_collections()? {
        let collection = Collection::named(&name);
        let is_checked =
            [OLD_MONGO, ASSETSTORE].contains(&&*name) || collection != Collection::Other(name.clone());
        if is_checked || is_kept_only(&name) {
            continue;
        }
        let mut ids = HashSet::new();
        let mut taken = Vec::new();
        check.aside(&collection, "document", |document| {
            let Ok(id) = FileId::of(document, "_id") else { return Ok(true) };
            if !ids.insert(digest_of(&[id.as_bytes()])) {
                taken.push(id);
                return Ok(false);
            }
            Ok(malformed(document).is_some() || misshapen(document).is_some())
        })?;
        for id in taken {
            check.find(Severity::Damage, "document", format!("{name} {}", id.value()), TAKEN_ID, None);
        }
    }
    Ok(())
}

impl Check<'_> {
    /// Names those documents beside a collection that are damaged.
    fn aside(
        &mut self,
        collection: &Collection,
        code: &'static str,
        mut is_damaged: impl FnMut(&bson::raw::RawDocument) -> Result<bool, RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let mut damaged = Vec::new();
        let told = &self.told;
        self.docs.each_document(&Collection::Other(collection.name()), &mut |document| {
            let is_told = || {
                let id = FileId::sound(document)?;
                told.contains(&(collection.clone(), id)).then_some(())
            };
            if is_damaged(document)? && is_told().is_none() {
                damaged.push(damage_of(collection, document));
            }
            Ok(())
        })?;
        for error in damaged {
            if let RuntimeError::Corrupt { place, reason } = error {
                self.find(Severity::Damage, code, place, reason, None);
            }
        }
        Ok(())
    }

    /// Records of assets of Old Mongo, also of courses that are not there.
    fn old_records(&mut self) -> Result<(), RuntimeError> {
        let (mut damaged, mut ids) = (Vec::new(), HashSet::new());
        let (mut taken, mut kept) = (Vec::new(), Vec::new());
        self.docs.each_document(&Collection::Other(ASSETSTORE.to_owned()), &mut |document| {
            if let Some(reason) = misshapen(document) {
                let damage = damage_of(&Collection::Other(ASSETSTORE.to_owned()), document);
                if let RuntimeError::Corrupt { place, .. } = damage {
                    kept.push((place, reason));
                }
                return Ok(());
            }
            match FileId::of(document, "_id") {
                Ok(id) if !ids.insert(id.clone()) => taken.push(id),
                _ => damaged.push(read_any_old_records(document)?),
            }
            Ok(())
        })?;
        for id in taken {
            let place = format!("{ASSETSTORE} {}", id.value());
            self.find(Severity::Damage, "document", place, TAKEN_ID, None);
        }
        for (place, reason) in kept {
            self.find(Severity::Damage, "document", place, reason, None);
        }
        damaged.into_iter().for_each(|records| self.asset_metadata(records));
        Ok(())
    }
}

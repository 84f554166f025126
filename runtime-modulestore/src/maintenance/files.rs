//! Static files: their documents, and that their chunks hold what these say.

use bson::raw::RawDocument;
use md5::{Digest as _, Md5};
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{RuntimeError, Severity};

use super::blocks::told;
use super::fsck::Check;
use crate::assets::FoundFile;
use crate::documents::{Bucket, FileId, FileOwner, FileView, OWN, integer, malformed};
use crate::store::Collection;

/// Names the files that say not whose they are, so that no context has them.
pub(super) fn check_owners(check: &mut Check<'_>) -> Result<(), RuntimeError> {
    for bucket in Bucket::ALL {
        let mut places = Vec::new();
        check.docs.each_document(&Collection::Files(bucket), &mut |document| {
            let view = FileView::new(document);
            if view.owner().is_none() {
                places.push(format!("{}, {}", bucket.name(), view.place()));
            }
            Ok(())
        })?;
        for place in places {
            check.report.files += 1;
            check.find(Severity::Damage, "file_key", place, "it says not whose it is", None);
        }
    }
    Ok(())
}

/// Says of which digest the bytes are not; GridFS wrote the first, the platform the second (modulestore reference, section 15).
fn other_bytes(document: &RawDocument, digest: Md5) -> Option<String> {
    let found = hex::encode(digest.finalize());
    ["md5", "custom_md5"].into_iter().find_map(|name| {
        let told = document.get_str(name).ok().filter(|told| !told.eq_ignore_ascii_case(&found))?;
        Some(format!("its chunks hold other bytes: their MD5 is {found}, `{name}` says {told}"))
    })
}

pub(super) fn check(check: &mut Check<'_>, context: &ContextKey, is_quick: bool) -> Result<(), RuntimeError> {
    for bucket in Bucket::ALL {
        for document in check.docs.files(bucket, &FileOwner::of(context))? {
            let view = FileView::new(&document);
            let place = format!("{context}, {}, {}", bucket.name(), view.place());
            check.report.files += 1;
            let own = document.get_document(OWN).ok();
            let is_mark = own.is_some_and(|own| {
                ["deleted", "absent"].iter().any(|mark| own.get_bool(mark).unwrap_or(false))
            });
            if is_mark {
                continue;
            }
            match view.key(context) {
                Ok(key) => {
                    let data = FoundFile::new(bucket, document.clone()).and_then(|found| found.data(&key));
                    let reason = match data {
                        Ok(_) => malformed(&document),
                        Err(error) => Some(told(error)?),
                    };
                    if let Some(reason) = reason {
                        check.find(Severity::Damage, "file", &place, reason, None);
                    }
                }
                Err(RuntimeError::Corrupt { reason, .. }) => {
                    check.find(Severity::Damage, "file_key", &place, reason, None);
                }
                Err(other) => return Err(other),
            }
            let length = match integer(&document, "length", &place) {
                Ok(Some(length)) => length,
                Ok(None) => {
                    check.find(Severity::Damage, "file", &place, "it has no `length`", None);
                    continue;
                }
                Err(RuntimeError::Corrupt { reason, .. }) => {
                    check.find(Severity::Damage, "file", &place, reason, None);
                    continue;
                }
                Err(other) => return Err(other),
            };
            if is_quick {
                continue;
            }
            let mut found = 0_i64;
            let mut digest = Md5::new();
            let Ok(id) = FileId::of(&document, "_id") else { continue };
            check.docs.chunks(bucket, &id, &mut |chunk| {
                found += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
                digest.update(chunk);
                Ok(())
            })?;
            if found != length {
                let reason = format!("its chunks hold {found} of {length} bytes");
                check.find(Severity::Damage, "file_bytes", &place, reason, None);
            } else if let Some(reason) = other_bytes(&document, digest) {
                check.find(Severity::Damage, "file_bytes", &place, reason, None);
            }
        }
    }
    Ok(())
}

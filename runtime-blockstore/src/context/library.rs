//! Content libraries of the second generation (reference/blockstore, section 14).

use std::borrow::Cow;
use std::collections::BTreeMap;

use uuid::Uuid;
use xblock_core::keys::{ContextKey, LibraryKeyV2};

use super::{LearningContext, folders};
use crate::database::Connection;
use crate::error::BlockstoreError;
use crate::rows::uuid_at;
use crate::store::Blockstore;

/// The tables in which edx-platform keeps which bundle a library has.
const TABLES: [&str; 2] = ["content_libraries_contentlibrary", "organizations_organization"];

/// Content libraries: a bundle whose blocks lie in `{type}/{id}/definition.xml`, whatever else it has.
///
/// Which bundle a library has is not in the bundle. edx-platform keeps it in tables of its own, which are read where they are
/// in the same database; otherwise it must be told here or to [`BlockstoreRuntime::adopt`](crate::BlockstoreRuntime::adopt).
#[derive(Debug, Clone, Default)]
pub struct LibraryContext {
    told: BTreeMap<LibraryKeyV2, Uuid>,
}

impl LibraryContext {
    /// Says which bundle a library has.
    #[must_use]
    pub fn with_library(mut self, key: LibraryKeyV2, bundle: Uuid) -> Self {
        self.told.insert(key, bundle);
        self
    }
}

fn has_tables(db: &Connection) -> Result<bool, BlockstoreError> {
    for table in TABLES {
        if !db.has_table(table)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Lists the platform's libraries of a slug, or all of them.
fn platform_libraries(
    db: &Connection,
    slug: Option<&str>,
) -> Result<Vec<(LibraryKeyV2, Uuid)>, BlockstoreError> {
    if !has_tables(db)? {
        return Ok(Vec::new());
    }
    let rows = db.all(
        "looking for the bundle of a library",
        "SELECT c.bundle_uuid, o.short_name, c.slug FROM content_libraries_contentlibrary c \
         JOIN organizations_organization o ON o.id = c.org_id \
         WHERE c.bundle_uuid IS NOT NULL AND (?1 IS NULL OR c.slug = ?1)",
        [slug],
        |row| Ok((uuid_at(row, 0)?, row.get::<String>(1)?, row.get::<String>(2)?)),
    )?;
    let library = |(bundle, org, slug): (Uuid, String, String)| {
        LibraryKeyV2::new(&org, &slug).ok().map(|key| (key, bundle))
    };
    Ok(rows.into_iter().filter_map(library).collect())
}

impl LearningContext for LibraryContext {
    fn takes(&self, key: &ContextKey) -> bool {
        matches!(key, ContextKey::LibraryV2(_))
    }

    fn bundle(&self, key: &ContextKey, store: &Blockstore) -> Result<Option<Uuid>, BlockstoreError> {
        let Some(key) = key.as_library_v2() else { return Ok(None) };
        if let Some(bundle) = self.told.get(key) {
            return Ok(Some(*bundle));
        }
        // On MySQL names compare without case; keys do not.
        let rows = store.db.read(|db| platform_libraries(db, Some(key.slug())))?;
        Ok(rows.into_iter().find(|(found, _)| found == key).map(|(_, bundle)| bundle))
    }

    fn bundles(&self, store: &Blockstore) -> Result<Vec<(ContextKey, Uuid)>, BlockstoreError> {
        let mut all: BTreeMap<_, _> = store.db.read(|db| platform_libraries(db, None))?.into_iter().collect();
        all.extend(self.told.iter().map(|(key, bundle)| (key.clone(), *bundle)));
        Ok(all.into_iter().map(|(key, bundle)| (ContextKey::from(key), bundle)).collect())
    }

    fn root(&self) -> (&str, &str) {
        ("library", "library")
    }

    fn definition_path(&self, block_type: &str, block_id: &str) -> String {
        format!("{block_type}/{block_id}/definition.xml")
    }

    fn block_at<'p>(&self, path: &'p str) -> Option<(Cow<'p, str>, Cow<'p, str>)> {
        folders(path).map(|(block_type, id)| (block_type.into(), id.into()))
    }
}

//! Changes to a draft that the database and the draft's folder show at once.
//!
//! A draft's state is in several files, so they cannot change at once by themselves. A change therefore goes this way:
//!
//! 1. New bytes, the new document and a list of what to do are written to the draft's folder `incoming/`; bytes of a path
//!    that the old document does not name, and where nothing lies, are written to their place.
//! 2. The transaction that makes the change true notes the digests of the old and the new document.
//! 3. The files are moved to their places, the document last, and the note is dropped.
//!
//! Between 2 and 3 a reader that finds the old document and the note takes the new one from `incoming/`; a process that
//! ends there leaves the rest to the next one that writes. Where the document is neither, another program has written
//! it since, and the note says nothing any more.
//!
//! Among objects a request may be carried out after the one who made it has given up on it, tried again and gone on. So the
//! names in `incoming/` are other ones for each change; `summary.json` is written over the document that was read and over no
//! other; and the bytes of a staged file are written under the name of their digest first, among the data files of the bundle,
//! where a commit takes them and a reader finds them whatever a late request has made of the file under its own path.
//!
//! A power failure may leave some of the moves of 3 and not others, and bring back a note that was dropped, for nobody waits
//! until the medium has that. So as long as there is a note, what is left in `incoming/` is moved, also where the new
//! document is in its place already; the list says of which change it is.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Blockstore;
use crate::database::{Access, BadValue, Connection, Row};
use crate::digest::Digest;
use crate::document::{DraftDocument, FileRecord};
use crate::error::BlockstoreError;
use crate::rows::{digest_at, in_row, uuid_at, uuid_text};
use crate::storage::{Batch, Tag, draft_from};

type Result<T> = std::result::Result<T, BlockstoreError>;

const HANDOVER_LIST: &str = "todo.json";
const SUMMARY: &str = "summary.json";

/// What is to be done in a draft's folder.
#[derive(Debug, Default, Serialize, Deserialize)]
struct HandoverList {
    /// Paths whose bytes have come in.
    put: Vec<String>,
    /// Paths that are staged no more.
    remove: Vec<String>,
    /// The digest of the new document; earlier versions did not say it.
    #[serde(default)]
    after: Option<Digest>,
}

/// The digests of a draft's document before and after a change.
#[derive(Debug, Clone, Copy)]
struct Note {
    before: Digest,
    after: Digest,
}

fn note_at(row: &Row<'_>) -> std::result::Result<Note, BadValue> {
    Ok(Note { before: digest_at(row, 0)?, after: digest_at(row, 1)? })
}

impl Blockstore {
    /// Reads a draft as it is by the database and its folder together.
    ///
    /// # Errors
    /// [`BlockstoreError::Missing`] where it is not there, and damage.
    pub(crate) fn draft_now(&self, db: &Connection, draft: Uuid) -> Result<(DraftDocument, Digest)> {
        let (document, digest) = self.storage.draft(draft)?;
        match self.note(db, draft)? {
            Some(note) if note.before == digest => {
                let (incoming, text) = self.storage.read_incoming(draft, note.after, SUMMARY)?;
                let (document, digest) = draft_from(&incoming, &text, draft)?;
                if digest == note.after {
                    return Ok((document, digest));
                }
                let reason = format!("it should have the digest {}", note.after);
                Err(BlockstoreError::corrupt(incoming.display(), reason))
            }
            _ => Ok((document, digest)),
        }
    }

    /// Returns the digest a draft's document has by the database, given the one its file has.
    pub(crate) fn draft_digest_now(&self, db: &Connection, draft: Uuid, found: Digest) -> Result<Digest> {
        Ok(self.note(db, draft)?.filter(|note| note.before == found).map_or(found, |note| note.after))
    }

    fn note(&self, db: &Connection, draft: Uuid) -> Result<Option<Note>> {
        if self.db.access() == Access::ReadOnly && !db.has_table("xblock_handover")? {
            return Ok(None);
        }
        let sql = "SELECT \"before\", \"after\" FROM main.xblock_handover WHERE draft = ?1";
        let read = db.one("reading a note", sql, [uuid_text(draft)], note_at);
        in_row(read, &format!("xblock_handover, draft {draft}"))
    }

    /// Plans the files of a change to a draft and returns the digest of its new document. `bytes` plans the file that is
    /// given with its path and record; among objects twice, first under the name of its digest.
    ///
    /// # Errors
    /// Those of `bytes`.
    pub(crate) fn plan_handover(
        &self,
        batch: &mut Batch,
        old: &DraftDocument,
        new: &DraftDocument,
        mut bytes: impl FnMut(&mut Batch, &str, &FileRecord, PathBuf) -> Result<()>,
    ) -> Result<Digest> {
        let may_be_late = self.storage.may_be_late();
        let mut todo = HandoverList::default();
        for (path, staged) in &new.files_to_overwrite {
            let Some(record) = staged else { continue };
            let before = old.files_to_overwrite.get(path).and_then(Option::as_ref);
            if before.is_none_or(|before| before.hash != record.hash) {
                // Where it goes in the end must be a name, before anything is true.
                let staged = self.storage.staged_path(new.uuid, path)?;
                if may_be_late {
                    bytes(batch, path, record, self.storage.data_path(new.bundle_uuid, record))?;
                }
                let is_named = old.files_to_overwrite.get(path).is_some_and(Option::is_some);
                if !is_named && self.storage.is_free(&staged)? {
                    // The old document does not name it, so it says nothing there yet.
                    bytes(batch, path, record, staged)?;
                } else {
                    if !may_be_late {
                        bytes(batch, path, record, self.storage.incoming_path(new.uuid, path))?;
                    }
                    todo.put.push(path.clone());
                }
            }
        }
        for (path, staged) in &old.files_to_overwrite {
            if staged.is_some() && new.files_to_overwrite.get(path).is_none_or(Option::is_none) {
                todo.remove.push(path.clone());
            }
        }
        let document = new.to_json();
        let after = Digest::of(&document);
        todo.after = Some(after);
        let text = serde_json::to_vec(&todo).expect("the keys are texts");
        batch.write(self.storage.incoming_document(new.uuid, after, HANDOVER_LIST), text);
        batch.write(self.storage.incoming_document(new.uuid, after, SUMMARY), document);
        Ok(after)
    }

    /// Notes in the transaction of a change that its files are ready.
    pub(crate) fn note_handover(
        &self,
        db: &Connection,
        draft: Uuid,
        before: Digest,
        after: Digest,
    ) -> Result<()> {
        db.run(
            "writing a note",
            "REPLACE INTO main.xblock_handover (draft, \"before\", \"after\") VALUES (?1, ?2, ?3)",
            (uuid_text(draft), before.to_string(), after.to_string()),
        )
        .map(drop)
    }

    /// Does what is still to be done in drafts' folders; to be called by whoever may write, before anything else.
    pub(crate) fn complete_handovers(&self, db: &Connection) -> Result<()> {
        // A note that cannot be read stays; whoever reads its draft is told, and so is whoever checks the store.
        let notes: Vec<Option<(Uuid, Note)>> = db.all(
            "reading the notes",
            "SELECT \"before\", \"after\", draft FROM main.xblock_handover",
            (),
            |row| Ok(note_at(row).and_then(|note| Ok((uuid_at(row, 2)?, note))).ok()),
        )?;
        for (draft, note) in notes.into_iter().flatten() {
            match self.storage.draft_tagged(draft) {
                Ok((_, digest, tag)) if digest == note.before => {
                    match self.complete(draft, note, Some(tag)) {
                        Err(BlockstoreError::Corrupt { .. } | BlockstoreError::Missing { .. }) => continue,
                        outcome => outcome?,
                    }
                }
                // The document may have reached the medium before a power failure, and files not.
                Ok((_, digest, _)) if digest == note.after => match self.complete(draft, note, None) {
                    Err(BlockstoreError::Corrupt { .. } | BlockstoreError::Missing { .. }) => {}
                    outcome => outcome?,
                },
                // Other drafts are not to suffer; whoever reads this one is told.
                Err(BlockstoreError::Corrupt { .. } | BlockstoreError::NewerForm { .. }) => continue,
                // Another program has written or deleted the draft since.
                Ok(_) | Err(BlockstoreError::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
            self.clear_incoming(draft)?;
            let sql = "DELETE FROM main.xblock_handover WHERE draft = ?1";
            db.run("dropping a note", sql, [uuid_text(draft)])?;
        }
        Ok(())
    }

    /// Moves what has come in to its places, the document where the old one was found with a tag; whatever was moved before
    /// stays, and so does what is of another change.
    fn complete(&self, draft: Uuid, note: Note, old: Option<Tag>) -> Result<()> {
        let (file, text) = self.storage.read_incoming(draft, note.after, HANDOVER_LIST)?;
        let todo: HandoverList =
            serde_json::from_slice(&text).map_err(|e| BlockstoreError::corrupt(file.display(), e))?;
        if todo.after.is_some_and(|after| after != note.after) {
            return Ok(());
        }
        if self.storage.may_be_late() {
            self.put_in_place(draft, note, old, &todo)?;
        } else {
            self.move_in_place(draft, old.is_some(), &todo)?;
        }
        let staged = |path: &String| self.storage.staged_path(draft, path);
        self.storage.remove_staged(&todo.remove.iter().map(staged).collect::<Result<Vec<_>>>()?)
    }

    fn move_in_place(&self, draft: Uuid, is_old: bool, todo: &HandoverList) -> Result<()> {
        let data = self.storage.folder(draft).join("data");
        let mut files = Batch::default();
        for path in &todo.put {
            let from = self.storage.incoming_path(draft, path);
            if self.storage.is_file(&from)? {
                let to = self.storage.staged_path(draft, path)?;
                self.storage.clear_way(&data, &to)?;
                files.rename(from, to);
            }
        }
        if is_old {
            files.rename_last(self.storage.incoming(draft).join(SUMMARY), self.storage.summary_path(draft));
        }
        self.storage.run(files)
    }

    /// Writes objects to their places, each from one that is proved.
    fn put_in_place(&self, draft: Uuid, note: Note, old: Option<Tag>, todo: &HandoverList) -> Result<()> {
        // Objects are not moved one by one, so where the document is in its place all are.
        let Some(tag) = old else { return Ok(()) };
        let (file, text) = self.storage.read_incoming(draft, note.after, SUMMARY)?;
        let (document, digest) = draft_from(&file, &text, draft)?;
        if digest != note.after {
            let reason = format!("it should have the digest {}", note.after);
            return Err(BlockstoreError::corrupt(file.display(), reason));
        }
        let staged = |path: &'_ String| {
            let record = document.files_to_overwrite.get(path).and_then(Option::as_ref);
            record.map(|record| (path.clone(), record))
        };
        let files: Vec<_> = todo.put.iter().filter_map(staged).collect();
        let files: Vec<_> = files.iter().map(|(path, record)| (path.as_str(), *record)).collect();
        self.storage.put_staged(draft, document.bundle_uuid, &files)?;
        self.storage.put_summary(draft, (note.before, tag), &text)
    }

    /// Removes what a change that never came to be has left.
    pub(crate) fn clear_incoming(&self, draft: Uuid) -> Result<()> {
        self.storage.remove_all(&self.storage.incoming(draft)).map(drop)
    }
}

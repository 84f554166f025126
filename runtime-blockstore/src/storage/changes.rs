//! Files and objects written, replaced and removed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::batch::{Batch, spread_over, sync_names, threads_for};
use super::names::Storage;
use super::object_batch::THREADS;
use super::opened::{Found, Tag};
use crate::digest::{Digest, Hasher};
use crate::document::FileRecord;
use crate::error::BlockstoreError;

impl Storage {
    /// Copies a source to a new file, digesting it on the way; the file is whole on the medium afterwards.
    pub(crate) fn store_stream(
        &self,
        source: impl Read,
        target: &Path,
    ) -> Result<(Digest, u64), BlockstoreError> {
        match &self.objects {
            None => {
                let stored = store_stream(source, target)?;
                File::open(target)
                    .and_then(|open| open.sync_all())
                    .map_err(BlockstoreError::io("cannot sync", target))?;
                Ok(stored)
            }
            Some(objects) => objects.upload(source, target),
        }
    }

    /// Copies a source to a file that has its name only when it is whole, digesting it on the way.
    pub(crate) fn store_whole(
        &self,
        source: impl Read,
        target: &Path,
    ) -> Result<(Digest, u64), BlockstoreError> {
        if let Some(objects) = &self.objects {
            return objects.upload(source, target);
        }
        let folder = target.parent().unwrap_or(target);
        self.make_folder(folder)?;
        let incoming = folder.join(format!(".incoming-{}", Uuid::new_v4()));
        let stored = self.store_stream(source, &incoming)?;
        fs::rename(&incoming, target).map_err(BlockstoreError::io("cannot rename", &incoming))?;
        Ok(stored)
    }

    /// Makes a folder for new files; an object store has none.
    pub(crate) fn make_folder(&self, folder: &Path) -> Result<(), BlockstoreError> {
        match &self.objects {
            None => fs::create_dir_all(folder).map_err(BlockstoreError::io("cannot create", folder)),
            Some(_) => Ok(()),
        }
    }

    /// Does everything a batch has planned and returns when it is durable.
    pub(crate) fn run(&self, batch: Batch) -> Result<(), BlockstoreError> {
        match &self.objects {
            None => batch.run(),
            Some(objects) => batch.run_on(objects),
        }
    }

    /// Writes a draft's document over the one that was read with a tag and had a digest, where that is still there.
    pub(crate) fn put_summary(
        &self,
        draft: Uuid,
        (before, tag): (Digest, Tag),
        text: &[u8],
    ) -> Result<(), BlockstoreError> {
        match &self.objects {
            None => super::batch::replace(&self.summary_path(draft), text),
            // Where another one is there, another program has written the draft meanwhile.
            Some(objects) => objects.put_over(&self.summary_path(draft), before, tag, text).map(drop),
        }
    }

    /// Brings the bytes of staged files to their own paths from among the bundle's data files.
    pub(crate) fn put_staged(
        &self,
        draft: Uuid,
        bundle: Uuid,
        files: &[(&str, &FileRecord)],
    ) -> Result<(), BlockstoreError> {
        let Some(objects) = &self.objects else { return Ok(()) };
        spread_over(THREADS, files, |(path, record)| {
            let staged = self.staged_path(draft, path)?;
            match objects.copy_over(&self.data_path(bundle, record), &staged, record.size, record.hash) {
                Err(error @ BlockstoreError::Missing { .. }) => {
                    // Earlier versions let them wait elsewhere.
                    let incoming = self.incoming_path(draft, path);
                    let copied = objects.copy_over(&incoming, &staged, record.size, record.hash);
                    copied.map_err(|_| error)
                }
                result => result,
            }
        })
    }

    /// Removes a file and the folders above that are empty then; what is not there is removed.
    pub(crate) fn remove_file(&self, file: &Path) -> Result<(), BlockstoreError> {
        if let Some(objects) = &self.objects {
            return objects.remove(file);
        }
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(BlockstoreError::io("cannot remove", file)(error));
            }
            _ => {}
        }
        let root = &self.root;
        for above in file.ancestors().skip(1).take_while(|above| *above != root && above.starts_with(root)) {
            if fs::remove_dir(above).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Removes a folder with all that is in it.
    pub(crate) fn remove_all(&self, folder: &Path) -> Result<bool, BlockstoreError> {
        if let Some(objects) = &self.objects {
            return objects.remove_all(folder);
        }
        match fs::remove_dir_all(folder) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(BlockstoreError::io("cannot remove", folder)(error)),
        }
    }

    /// Makes room for a staged file: files go that stand where a folder must be, and a folder that stands in its place.
    pub(crate) fn clear_way(&self, data: &Path, file: &Path) -> Result<(), BlockstoreError> {
        match &self.objects {
            None => clear_way(data, file),
            // Objects stand in nobody's way.
            Some(_) => Ok(()),
        }
    }

    /// Removes staged files, unless another one's folder stands there.
    pub(crate) fn remove_staged(&self, files: &[PathBuf]) -> Result<(), BlockstoreError> {
        match &self.objects {
            None => spread_over(threads_for(files), files, |file| remove_staged(file)),
            Some(objects) => files.iter().try_for_each(|file| objects.remove(file)),
        }
    }

    /// Removes empty folders, inner ones first; one in which something lies by now stays.
    pub(crate) fn remove_empty_folders(&self, folders: &[Found]) -> Result<(), BlockstoreError> {
        for Found { path, .. } in folders {
            match fs::remove_dir(path) {
                Err(error)
                    if !matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
                    ) =>
                {
                    return Err(BlockstoreError::io("cannot remove", path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Says whether a file can be written here without harm to what lies here or above; among objects it always can.
    pub(crate) fn is_free(&self, file: &Path) -> Result<bool, BlockstoreError> {
        if self.objects.is_some() {
            return Ok(true);
        }
        match fs::symlink_metadata(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            // A file stands where a folder must be.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
            Err(error) => Err(BlockstoreError::io("cannot look at", file)(error)),
            Ok(_) => Ok(false),
        }
    }

    /// Makes the name of one file durable.
    pub(crate) fn sync_names_of(&self, file: &Path) -> Result<(), BlockstoreError> {
        match &self.objects {
            None => sync_names(file.parent().unwrap_or(&self.root)),
            Some(_) => Ok(()),
        }
    }

    /// Makes the names of all files durable; their contents are so already.
    pub(crate) fn sync_names(&self) -> Result<(), BlockstoreError> {
        match &self.objects {
            None => sync_names(&self.root),
            Some(_) => Ok(()),
        }
    }

    /// Makes `other` a second name of `file`, at once; false where files cannot have second names.
    pub(crate) fn unite(&self, file: &Path, other: &Path) -> Result<bool, BlockstoreError> {
        if self.objects.is_some() {
            return Ok(false);
        }
        let incoming = other.with_file_name(format!(".incoming-{}", Uuid::new_v4()));
        if fs::hard_link(file, &incoming).is_err() {
            return Ok(false);
        }
        fs::rename(&incoming, other).map_err(BlockstoreError::io("cannot rename", &incoming))?;
        Ok(true)
    }

    /// Says whether what is written is where it belongs as soon as it is written, as among objects.
    pub(crate) fn waits_for_nothing(&self) -> bool {
        self.objects.is_some()
    }

    /// Says whether files can have second names.
    pub(crate) fn can_unite(&self) -> bool {
        self.objects.is_none()
    }

    /// Removes what may be left of a draft's folder; says whether there was one.
    pub(crate) fn remove_folder(&self, uuid: Uuid) -> Result<bool, BlockstoreError> {
        self.remove_all(&self.folder(uuid))
    }
}

/// Copies a source to a new file, digesting it on the way.
pub(crate) fn store_stream(
    mut source: impl io::Read,
    target: &Path,
) -> Result<(Digest, u64), BlockstoreError> {
    let mut out = File::create_new(target).map_err(BlockstoreError::io("cannot create", target))?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 128 * 1024];
    let mut length = 0;
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finish(), length)),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(BlockstoreError::io("cannot read the source of", target)(error)),
        };
        hasher.update(&buffer[..read]);
        length += read as u64;
        io::Write::write_all(&mut out, &buffer[..read])
            .map_err(BlockstoreError::io("cannot write", target))?;
    }
}

/// Removes files that stand where a folder must be, and a folder that stands where a file must be.
fn clear_way(data: &Path, file: &Path) -> Result<(), BlockstoreError> {
    for above in file.ancestors().skip(1).take_while(|above| above.starts_with(data)) {
        if above.is_file() {
            fs::remove_file(above).map_err(BlockstoreError::io("cannot remove", above))?;
        }
    }
    if file.is_dir() {
        fs::remove_dir_all(file).map_err(BlockstoreError::io("cannot remove", file))?;
    }
    Ok(())
}

/// Removes a staged file; its folder stays, as with the app, for it is likely written again.
fn remove_staged(file: &Path) -> Result<(), BlockstoreError> {
    match fs::remove_file(file) {
        Ok(()) => Ok(()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(())
        }
        // A folder stands there now, because another file's path goes through it.
        Err(_) if file.is_dir() => Ok(()),
        Err(error) => Err(BlockstoreError::io("cannot remove", file)(error)),
    }
}

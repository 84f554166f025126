//! Objects read, written, listed and removed.

use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path as Key;
use object_store::{
    Error, GetOptions, MultipartUpload, ObjectMeta, ObjectStore as _, ObjectStoreExt as _, PutMode,
    PutPayload, UpdateVersion,
};

use super::client::{Client, explain, failed};
use super::object_reader::ObjectReader;
use super::opened::{Found, Mark, Tag};
use super::waiting::{self, Begun};
use crate::digest::{Digest, Hasher};
use crate::error::BlockstoreError;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// Bytes sent at once of what comes in as a stream; S3 takes at most 10,000 such parts of one object.
const PART: usize = 8 * 1024 * 1024;

/// What is read of a stream before memory is taken for a whole part.
const BEGINNING: usize = 64 * 1024;

/// Parts on their way at once.
const PARTS: usize = 2;

/// What a service is asked to copy by itself at most. S3 takes 5 GiB, and may take longer for that than a request may.
const LARGEST_COPY: u64 = 1024 * 1024 * 1024;

/// What is read into memory to be proved and written again, rather than copied by the service.
pub(super) const SMALL: u64 = 4 * 1024 * 1024;

/// How often an object is written under a condition while others write it.
const ATTEMPTS: usize = 4;

impl Client {
    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let bytes: Bytes =
            self.call("cannot read", path, |store, key| async move { store.get(&key).await?.bytes().await })?;
        Ok(bytes.into())
    }

    /// Reads a part of an object that must still be the one with this tag, into memory that was used before.
    pub(super) fn read_part(
        &self,
        path: &Path,
        tag: Option<&str>,
        range: Range<u64>,
        memory: Vec<u8>,
    ) -> Result<Vec<u8>> {
        let tag = tag.map(str::to_owned);
        let memory = Arc::new(Mutex::new(memory));
        self.call("cannot read", path, |store, key| {
            let options = GetOptions::new().with_range(Some(range.clone())).with_if_match(tag.clone());
            let memory = memory.clone();
            async move {
                // Not put together by the client: memory that one thread takes and another gives back piles up.
                let mut chunks = store.get_opts(&key, options).await?.into_stream();
                let mut bytes = std::mem::take(&mut *memory.lock().unwrap_or_else(PoisonError::into_inner));
                bytes.clear();
                while let Some(chunk) = chunks.try_next().await? {
                    bytes.extend_from_slice(&chunk);
                }
                Ok(bytes)
            }
        })
    }

    pub(super) fn mark(&self, path: &Path) -> Result<Mark> {
        let meta = self.call("cannot look at", path, |store, key| async move { store.head(&key).await })?;
        Ok(mark(&meta))
    }

    pub(super) fn open(self: &Arc<Self>, path: &Path) -> Result<ObjectReader> {
        Ok(ObjectReader::new(self.clone(), path.to_path_buf(), self.mark(path)?))
    }

    /// Reads an object, with what tells it from others of its name.
    pub(super) fn read_tagged(&self, path: &Path) -> Result<(Vec<u8>, Tag)> {
        let (bytes, tag) = self.call("cannot read", path, |store, key| async move {
            let found = store.get(&key).await?;
            let tag = tag(&found.meta);
            Ok((found.bytes().await?, tag))
        })?;
        Ok((bytes.into(), tag))
    }

    /// Writes an object in a way that does no harm where the request is carried out late: one whose name says what it holds,
    /// and what nobody is to have written before, only where it is absent.
    pub(super) fn put(&self, path: &Path, bytes: impl Into<Bytes>) -> Result<()> {
        let below = path.strip_prefix(self.root()).unwrap_or(path);
        match below.iter().nth(1).and_then(|part| part.to_str()) {
            Some("snapshots" | "snapshot_data" | "summary.json" | "data") => self.put_absent(path, bytes),
            _ => self.put_anyway(path, &bytes.into()),
        }
    }

    fn put_anyway(&self, path: &Path, bytes: &Bytes) -> Result<()> {
        self.call("cannot write", path, |store, key| {
            let payload = PutPayload::from(bytes.clone());
            async move { store.put(&key, payload).await.map(drop) }
        })
    }

    /// Writes an object under a condition: false where it does not hold, none where the service knows no conditions.
    fn put_if(&self, path: &Path, bytes: &Bytes, mode: &PutMode) -> Result<Option<bool>> {
        self.call("cannot write", path, |store, key| {
            let payload = PutPayload::from(bytes.clone());
            let mode = mode.clone();
            async move {
                match store.put_opts(&key, payload, mode.into()).await {
                    Ok(_) => Ok(Some(true)),
                    Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Some(false)),
                    Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => Ok(None),
                    Err(error) => Err(error),
                }
            }
        })
    }

    /// Writes an object unless it is there with these bytes; over another one only where nobody has written it since it was
    /// looked at.
    ///
    /// An answer may be lost on its way, so that one who tries again finds its own object; and what another one has written
    /// under the name is looked at before it counts.
    fn put_absent(&self, path: &Path, bytes: impl Into<Bytes>) -> Result<()> {
        let bytes = bytes.into();
        let mut mode = PutMode::Create;
        for _ in 0..ATTEMPTS {
            match self.put_if(path, &bytes, &mode)? {
                Some(true) => return Ok(()),
                Some(false) => {}
                None => break,
            }
            mode = match self.read_tagged(path) {
                Ok((found, _)) if found == bytes => return Ok(()),
                Ok((_, Tag(Some(version)))) => PutMode::Update(version),
                Ok((_, Tag(None))) => break,
                Err(BlockstoreError::Missing { .. }) => PutMode::Create,
                Err(error) => return Err(error),
            };
        }
        // The service knows no conditions, or not its own tags.
        self.put_anyway(path, &bytes)
    }

    /// Writes an object over the one that was read with a tag and had this digest; false where another one is there now.
    ///
    /// A request that is carried out late finds another object than that, and does nothing.
    pub(super) fn put_over(&self, path: &Path, before: Digest, tag: Tag, bytes: &[u8]) -> Result<bool> {
        let bytes = Bytes::copy_from_slice(bytes);
        let mut tag = tag;
        for _ in 0..ATTEMPTS {
            let Tag(Some(version)) = tag else { break };
            match self.put_if(path, &bytes, &PutMode::Update(version))? {
                Some(true) => return Ok(true),
                Some(false) => {}
                None => break,
            }
            // An answer may have been lost on its way.
            let (found, now) = self.read_tagged(path)?;
            if found == bytes {
                return Ok(true);
            }
            if Digest::of(&found) != before {
                return Ok(false);
            }
            tag = now;
        }
        self.put_anyway(path, &bytes).map(|()| true)
    }

    /// Makes an object another one's bytes, proved where they are few; both stay. Where it can be, what was there before is
    /// written over only as long as it is there.
    pub(super) fn copy_over(self: &Arc<Self>, from: &Path, to: &Path, size: u64, hash: Digest) -> Result<()> {
        if size > SMALL {
            return self.copy(from, to);
        }
        let bytes = self.read(from)?;
        prove(from, Digest::of(&bytes), hash)?;
        let bytes = Bytes::from(bytes);
        let meta = self.call("cannot look at", to, |store, key| async move { store.head(&key).await });
        let mode = match meta {
            Ok(meta) => tag(&meta).0.map(PutMode::Update),
            Err(BlockstoreError::Missing { .. }) => Some(PutMode::Create),
            Err(error) => return Err(error),
        };
        match mode.map(|mode| self.put_if(to, &bytes, &mode)).transpose()?.flatten() {
            Some(true) => Ok(()),
            // Somebody wrote it meanwhile, which may have been the same request.
            Some(false) => self.put_absent(to, bytes),
            None => self.put_anyway(to, &bytes),
        }
    }

    /// Makes an object another one's bytes; both stay.
    pub(super) fn copy(self: &Arc<Self>, from: &Path, to: &Path) -> Result<()> {
        let mark = self.mark(from)?;
        if mark.length > LARGEST_COPY {
            return self.upload(self.open(from)?, to).map(drop);
        }
        let target = self.key(to)?;
        self.call("cannot copy", from, |store, key| {
            let target = target.clone();
            async move { store.copy(&key, &target).await }
        })
    }

    /// Writes an object from a stream, digesting it on the way.
    pub(super) fn upload(&self, mut source: impl Read, target: &Path) -> Result<(Digest, u64)> {
        let mut hasher = Hasher::default();
        let mut length = 0;
        let buffers = Buffers::default();
        let mut next = || -> Result<Vec<u8>> {
            let mut part = buffers.take();
            let mut fill = |part: &mut Vec<u8>, length: usize| {
                let rest = length.saturating_sub(part.len()) as u64;
                let read = Read::by_ref(&mut source).take(rest).read_to_end(part);
                read.map(drop).map_err(BlockstoreError::io("cannot read the source of", target))
            };
            fill(&mut part, BEGINNING)?;
            if part.len() == BEGINNING {
                // At once, for memory that grows step by step leaves each step behind.
                part.reserve_exact(PART - BEGINNING);
                fill(&mut part, PART)?;
            }
            hasher.update(&part);
            length += part.len() as u64;
            Ok(part)
        };
        let first = next()?;
        if first.len() < PART {
            self.put(target, first)?;
            return Ok((hasher.finish(), length));
        }
        let upload =
            self.call("cannot write", target, |store, key| async move { store.put_multipart(&key).await })?;
        let mut parts = Parts { upload, open: Vec::new(), target };
        let send = || {
            let mut part = first;
            while !part.is_empty() {
                parts.send(buffers.lend(part))?;
                // Before the next is read one must have arrived, so that there are never more than so many in memory.
                parts.settle(PARTS - 1)?;
                part = next()?;
            }
            Ok(())
        };
        let sent = send();
        match sent.and_then(|()| parts.settle(0)) {
            Ok(()) => parts.complete()?,
            Err(error) => {
                parts.abort();
                return Err(error);
            }
        }
        Ok((hasher.finish(), length))
    }

    /// Removes an object; one that is not there is removed.
    pub(super) fn remove(&self, path: &Path) -> Result<()> {
        let outcome = self.call("cannot remove", path, |store, key| async move { store.delete(&key).await });
        match outcome {
            Err(BlockstoreError::Missing { .. }) => Ok(()),
            outcome => outcome,
        }
    }

    /// Removes all objects below a path; says whether there were any.
    pub(super) fn remove_all(&self, folder: &Path) -> Result<bool> {
        let keys: Vec<Key> =
            self.list(folder)?.into_iter().map(|found| self.key(&found.path)).collect::<Result<_>>()?;
        if keys.is_empty() {
            return Ok(false);
        }
        self.call("cannot remove", folder, |store, _| {
            let keys = keys.clone();
            async move {
                let keys = futures_util::stream::iter(keys.into_iter().map(Ok)).boxed();
                let mut removed = store.delete_stream(keys);
                while let Some(outcome) = removed.next().await {
                    match outcome {
                        Err(Error::NotFound { .. }) | Ok(_) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(true)
            }
        })
    }

    /// Says whether there is no object at all below the prefix.
    pub(super) fn is_empty(&self) -> Result<bool> {
        let first: Option<ObjectMeta> = self.call("cannot list", self.root(), |store, key| async move {
            store.list(Some(&key)).try_next().await
        })?;
        Ok(first.is_none())
    }

    /// Lists the objects below a path, in the order of their names.
    pub(super) fn list(&self, folder: &Path) -> Result<Vec<Found>> {
        let all: Vec<ObjectMeta> = self.call("cannot list", folder, |store, key| async move {
            store.list(Some(&key)).try_collect().await
        })?;
        let mut found: Vec<_> = all.iter().map(|meta| self.found(meta)).collect();
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Finds the first object of a folder whose name begins with a text and is longer.
    pub(super) fn find(&self, folder: &Path, begin: &str) -> Result<Option<PathBuf>> {
        let from = self.key(&folder.join(begin))?;
        let first: Option<ObjectMeta> = self.call("cannot list", folder, |store, key| {
            let from = from.clone();
            async move { store.list_with_offset(Some(&key), &from).try_next().await }
        })?;
        Ok(first
            .filter(|meta| meta.location.as_ref().starts_with(from.as_ref()))
            .map(|meta| self.path(&meta.location)))
    }

    /// Lists the names of the folders below the root.
    pub(super) fn folders(&self) -> Result<Vec<String>> {
        let prefixes = self.call("cannot list", self.root(), |store, key| async move {
            Ok(store.list_with_delimiter(Some(&key)).await?.common_prefixes)
        })?;
        Ok(prefixes.iter().filter_map(|prefix| prefix.filename().map(str::to_owned)).collect())
    }

    fn found(&self, meta: &ObjectMeta) -> Found {
        Found {
            path: self.path(&meta.location),
            size: meta.size,
            modified: Some(SystemTime::from(meta.last_modified)),
        }
    }
}

fn tag(meta: &ObjectMeta) -> Tag {
    let version = UpdateVersion { e_tag: meta.e_tag.clone(), version: meta.version.clone() };
    Tag((version.e_tag.is_some() || version.version.is_some()).then_some(version))
}

/// Says whether bytes that were read have the digest they should have.
pub(super) fn prove(source: &Path, found: Digest, expected: Digest) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let reason = format!("it should have the digest {expected}, not {found}");
    Err(BlockstoreError::corrupt(source.display(), reason))
}

fn mark(meta: &ObjectMeta) -> Mark {
    Mark {
        length: meta.size,
        modified: Some(SystemTime::from(meta.last_modified)),
        inode: 0,
        tag: meta.e_tag.clone(),
    }
}

/// The memory of parts, taken again for the next ones: given back to the allocator by another thread than took it, it
/// would grow with the number of parts.
#[derive(Clone, Default)]
struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    fn take(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Lends a part's bytes out until nobody needs them.
    fn lend(&self, part: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { part, back: self.clone() })
    }
}

struct Lent {
    part: Vec<u8>,
    back: Buffers,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.part
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut part = std::mem::take(&mut self.part);
        part.clear();
        self.back.0.lock().unwrap_or_else(PoisonError::into_inner).push(part);
    }
}

/// An object on its way in parts.
struct Parts<'p> {
    upload: Box<dyn MultipartUpload>,
    open: Vec<Begun<object_store::Result<()>>>,
    target: &'p Path,
}

impl Parts<'_> {
    fn send(&mut self, part: Bytes) -> Result<()> {
        let work = self.upload.put_part(PutPayload::from(part));
        self.open.push(waiting::begin(work).map_err(|error| failed("cannot write", self.target, error))?);
        Ok(())
    }

    /// Waits until no more than so many parts are on their way.
    fn settle(&mut self, left: usize) -> Result<()> {
        while self.open.len() > left {
            let outcome =
                self.open.remove(0).wait().map_err(|error| failed("cannot write", self.target, error))?;
            outcome.map_err(|error| explain("cannot write", self.target, error))?;
        }
        Ok(())
    }

    fn complete(mut self) -> Result<()> {
        let work = async move { self.upload.complete().await.map(drop) };
        let outcome = waiting::wait(work).map_err(|error| failed("cannot write", self.target, error))?;
        outcome.map_err(|error| explain("cannot write", self.target, error))
    }

    /// Lets the service forget the parts; where that fails, its own rule for unfinished uploads does it.
    fn abort(mut self) {
        let _: io::Result<_> = waiting::wait(async move { self.upload.abort().await });
    }
}

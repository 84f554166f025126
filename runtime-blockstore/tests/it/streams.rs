//! Files of any size, and reading parts of them.

use std::io::{self, Read};

use runtime_blockstore::{BlockstoreError, Digest};

use crate::fixture::{new_bundle, ticking_store};

/// A stream that fails at its end.
struct Broken(usize);

impl Read for Broken {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other("the line went dead"));
        }
        let read = bytes.len().min(self.0);
        bytes[..read].fill(b'x');
        self.0 -= read;
        Ok(read)
    }
}

/// A stream of bytes that repeat only after a long time.
struct Waves {
    at: u64,
    end: u64,
}

impl Read for Waves {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(bytes.len());
        for byte in &mut bytes[..read] {
            *byte = (self.at ^ (self.at >> 13)) as u8;
            self.at += 1;
        }
        Ok(read)
    }
}

/// The most memory this process has used, in bytes; none where the system does not say.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[test]
fn parts_of_a_file_are_read() {
    let (store, _folder) = ticking_store();
    let (bundle, draft) = new_bundle(&store, "media", &[("a", "a")]);
    let content: Vec<u8> = (0..500_000_u32).flat_map(u32::to_le_bytes).collect();
    let (size, hash) = store.write_draft_file_from(draft, "film.mp4", &content[..]).unwrap();
    assert_eq!((size, hash), (content.len() as u64, Digest::of(&content)));
    let parts = |file: &mut runtime_blockstore::BundleFile| {
        assert_eq!(file.size(), size);
        assert_eq!(file.read_range(0, 10).unwrap(), &content[..10]);
        assert_eq!(file.read_range(1_000_003, 70_000).unwrap(), &content[1_000_003..1_070_003]);
        assert_eq!(file.read_range(size - 3, 100).unwrap(), &content[content.len() - 3..]);
        assert!(file.read_range(size + 10, u64::MAX).unwrap().is_empty());
        let mut copy = Vec::new();
        assert_eq!(file.copy_proved(&mut copy).unwrap(), size);
        assert!(copy == content);
    };
    parts(&mut store.open_bundle_file(bundle, "film.mp4", Some("studio_draft")).unwrap());
    store.commit_draft(draft).unwrap();
    parts(&mut store.open_bundle_file(bundle, "film.mp4", None).unwrap());
    parts(&mut store.open_bundle_version_file(bundle, 2, "film.mp4").unwrap());
    let nowhere = store.open_bundle_version_file(bundle, 1, "film.mp4");
    assert!(matches!(nowhere, Err(BlockstoreError::BundleFileNotFound { .. })));
}

#[test]
fn damage_of_a_streamed_file_is_noticed() {
    let (store, folder) = ticking_store();
    let (bundle, _) = new_bundle(&store, "media", &[("a", "content")]);
    let place = store.get_bundle_file_storage_path(bundle, "a", None).unwrap();
    let file = folder.path().join("storage").join(place);
    std::fs::write(&file, "CONTENT").unwrap();
    let mut open = store.open_bundle_file(bundle, "a", None).unwrap();
    assert!(matches!(open.copy_proved(&mut Vec::new()), Err(BlockstoreError::Corrupt { .. })));
    std::fs::write(&file, "cont").unwrap();
    assert!(matches!(store.open_bundle_file(bundle, "a", None), Err(BlockstoreError::Corrupt { .. })));
}

#[test]
fn a_stream_that_breaks_off_changes_nothing() {
    let (store, folder) = ticking_store();
    let (_, draft) = new_bundle(&store, "media", &[("a", "a")]);
    let before = store.get_draft(draft).unwrap();
    assert!(store.write_draft_file_from(draft, "film.mp4", Broken(300_000)).is_err());
    assert_eq!(store.get_draft(draft).unwrap(), before);
    let left: Vec<_> = std::fs::read_dir(folder.path().join("storage").join(draft.to_string()))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("upload"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
    let refused = store.write_draft_file_from(draft, "../x", &b"x"[..]);
    assert!(matches!(refused, Err(BlockstoreError::InvalidFileName { .. })));
    let missing = store.write_draft_file_from(uuid::Uuid::nil(), "x", &b"x"[..]);
    assert!(matches!(missing, Err(BlockstoreError::DraftNotFound { .. })));
}

/// Needs 10 GB on the medium; run with `--ignored`, and alone, since the memory of the whole process is looked at.
#[test]
#[ignore = "writes 5 GB, twice"]
fn five_gigabytes_take_little_memory() {
    let (store, _folder) = ticking_store();
    let (bundle, draft) = new_bundle(&store, "media", &[("a", "a")]);
    let end = 5 << 30;
    let (size, hash) = store.write_draft_file_from(draft, "film.mp4", Waves { at: 0, end }).unwrap();
    assert_eq!(size, end);
    store.commit_draft(draft).unwrap();
    let mut open = store.open_bundle_file(bundle, "film.mp4", None).unwrap();
    assert_eq!(open.hash_digest(), hash);
    let mut wanted = vec![0; 1000];
    Waves { at: end - 5000, end }.read_exact(&mut wanted).unwrap();
    assert_eq!(open.read_range(end - 5000, 1000).unwrap(), wanted);
    assert_eq!(open.copy_proved(&mut io::sink()).unwrap(), end);
    if let Some(peak) = peak_memory() {
        println!("peak memory: {} MiB", peak >> 20);
        assert!(peak < 64 << 20, "{peak} bytes");
    }
}

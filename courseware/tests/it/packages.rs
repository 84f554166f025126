//! Packages on disk: what is found in them, what is refused, and how they are written.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use courseware::{
    ArchiveLimits, ArchiveSink, ArchiveSource, DirectorySink, DirectorySource, Overwrite, PackageError,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;
use xblock_core::olx::{Contents, MemoryPackage, PackageSource};

type Tar = Builder<GzEncoder<File>>;

struct Archive {
    directory: TempDir,
}

impl Archive {
    fn new(fill: impl FnOnce(&mut Tar)) -> Self {
        let archive = Self { directory: tempfile::tempdir().unwrap() };
        let mut tar =
            Builder::new(GzEncoder::new(File::create(archive.path()).unwrap(), Compression::fast()));
        file(&mut tar, "course/course.xml", b"<course url_name=\"r\" org=\"O\" course=\"C\"/>");
        fill(&mut tar);
        tar.into_inner().unwrap().finish().unwrap();
        archive
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("course.tar.gz")
    }

    fn open(&self) -> Result<ArchiveSource, PackageError> {
        ArchiveSource::open(&self.path(), &ArchiveLimits::default())
    }

    fn refused(&self) -> PackageError {
        let error = self.open().expect_err("the archive is refused");
        assert!(error.to_string().contains("course.tar.gz"), "the archive is named: {error}");
        error
    }
}

/// Adds a member under exactly this name; the library's own functions refuse the bad ones.
fn member(tar: &mut Tar, kind: EntryType, name: &[u8], link: &[u8], content: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    let old = header.as_old_mut();
    old.name[..name.len()].copy_from_slice(name);
    old.linkname[..link.len()].copy_from_slice(link);
    header.set_cksum();
    tar.append(&header, content).unwrap();
}

fn file(tar: &mut Tar, name: &str, content: &[u8]) {
    member(tar, EntryType::Regular, name.as_bytes(), b"", content);
}

fn link(tar: &mut Tar, kind: EntryType, name: &str, target: &str) {
    member(tar, kind, name.as_bytes(), target.as_bytes(), b"");
}

fn paths(source: &DirectorySource) -> Vec<&str> {
    source.paths().collect()
}

#[test]
fn an_archive_is_unpacked_and_its_root_found() {
    let archive = Archive::new(|tar| {
        file(tar, "./course/static/a.txt", b"ebb");
        link(tar, EntryType::Symlink, "course/static/b.txt", "a.txt");
        link(tar, EntryType::Link, "course/static/c.txt", "course/static/b.txt");
    });
    let source = archive.open().unwrap();
    let package = source.directory();
    assert_eq!(paths(package), ["course.xml", "static/a.txt", "static/b.txt", "static/c.txt"]);
    for name in ["static/a.txt", "static/b.txt", "static/c.txt"] {
        assert_eq!(fs::read(package.file(name).unwrap()).unwrap(), b"ebb");
    }
    let root = package.root().to_path_buf();
    drop(source);
    assert!(!root.exists(), "the unpacked files go with the source");
}

#[test]
fn members_that_leave_the_package_are_refused() {
    for name in ["../evil.txt", "course/../../evil.txt", "/tmp/evil.txt", "course/..\\evil.txt"] {
        let archive = Archive::new(|tar| file(tar, name, b"x"));
        let error = archive.refused();
        assert!(matches!(&error, PackageError::IllegalPath { member, .. } if member == name), "{error}");
    }
}

#[test]
fn links_out_of_the_package_are_refused() {
    for (kind, name, target) in [
        (EntryType::Symlink, "course/a", "../../secret"),
        (EntryType::Symlink, "course/a", "/etc/passwd"),
        (EntryType::Link, "course/a", "../secret"),
        (EntryType::Link, "course/a", "/etc/passwd"),
        (EntryType::Symlink, "course/a", "no-such-file"),
        (EntryType::Symlink, "course/a", "a"),
        (EntryType::Symlink, "course/a", "../course"),
    ] {
        let archive = Archive::new(|tar| link(tar, kind, name, target));
        let error = archive.refused();
        assert!(
            matches!(&error, PackageError::IllegalLink { member, target: found, .. } if member == name && found == target),
            "{error}"
        );
    }
}

#[test]
fn a_file_below_a_link_is_written_into_the_package() {
    let archive = Archive::new(|tar| {
        link(tar, EntryType::Symlink, "course/up", "..");
        file(tar, "course/up/evil.txt", b"x");
    });
    assert!(matches!(archive.refused(), PackageError::IllegalLink { .. }));
}

#[test]
fn devices_and_pipes_are_refused() {
    for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo] {
        let archive = Archive::new(|tar| member(tar, kind, b"course/dev", b"", b""));
        assert!(matches!(archive.refused(), PackageError::SpecialFile { .. }));
    }
}

#[test]
fn names_that_are_not_utf8_are_refused() {
    let archive = Archive::new(|tar| member(tar, EntryType::Regular, b"course/\xff.txt", b"", b""));
    assert!(matches!(archive.refused(), PackageError::NameNotUtf8 { .. }));
}

#[test]
fn an_archive_may_not_grow_without_bounds() {
    let archive = Archive::new(|tar| {
        for n in 0..20 {
            file(tar, &format!("course/static/{n}.bin"), &[0; 10_000]);
        }
    });
    let open = |change: fn(&mut ArchiveLimits)| {
        let mut limits = ArchiveLimits::default();
        change(&mut limits);
        ArchiveSource::open(&archive.path(), &limits)
    };
    assert!(matches!(open(|l| l.members = 10), Err(PackageError::TooManyMembers { limit: 10, .. })));
    assert!(matches!(
        open(|l| l.member_bytes = 9_999),
        Err(PackageError::MemberTooLarge { limit: 9_999, .. })
    ));
    assert!(matches!(open(|l| l.total_bytes = 150_000), Err(PackageError::TooLarge { limit: 150_000, .. })));
    assert!(open(|_| {}).is_ok());
}

#[test]
fn a_name_record_may_not_fill_the_memory() {
    let archive =
        Archive::new(|tar| member(tar, EntryType::GNULongName, b"././@LongLink", b"", &vec![b'a'; 1 << 20]));
    assert!(matches!(archive.refused(), PackageError::MemberTooLarge { .. }));
}

#[test]
fn a_truncated_archive_is_damaged() {
    let archive = Archive::new(|tar| file(tar, "course/static/a.bin", &[7; 50_000]));
    let bytes = fs::read(archive.path()).unwrap();
    for length in [0, 5, bytes.len() / 2, bytes.len() - 4] {
        fs::write(archive.path(), &bytes[..length]).unwrap();
        let error = archive.refused();
        assert!(matches!(error, PackageError::Damaged { .. }), "{length}: {error}");
    }
    fs::write(archive.path(), b"this is no archive").unwrap();
    assert!(matches!(archive.refused(), PackageError::Damaged { .. }));
}

#[test]
fn what_stands_behind_an_archive_is_passed_over() {
    let archive = Archive::new(|tar| file(tar, "course/static/a.bin", &[7; 50_000]));
    let bytes = fs::read(archive.path()).unwrap();
    let followed_by = |rest: &[u8]| {
        fs::write(archive.path(), [&bytes, rest].concat()).unwrap();
        archive.open().map(|_| ())
    };
    for zeros in [1, 512, 100_000] {
        followed_by(&vec![0; zeros]).expect("zeros fill the last block of a tape or a disk");
    }
    followed_by(&[vec![0; 512], bytes.clone()].concat()).expect("members may stand apart");
    for rest in [b"garbage".as_slice(), b"\0\0garbage", b"\r\n", b"\x1f", &[b'x'; 20_000]] {
        followed_by(rest).expect("gzip and tarfile take no notice of it");
    }
    let half = followed_by(&bytes[..bytes.len() / 2]);
    assert!(matches!(half, Err(PackageError::Damaged { .. })), "a member that is cut off");
}

#[test]
fn what_is_compressed_and_no_tar_archive_is_said_in_words() {
    let cause = |archive: &Archive| match archive.refused() {
        PackageError::Damaged { source, .. } => source.to_string(),
        other => panic!("{other}"),
    };
    let archive = Archive::new(|_| {});
    let mut gzip = GzEncoder::new(File::create(archive.path()).unwrap(), Compression::fast());
    std::io::Write::write_all(&mut gzip, &b"this is a text, not a course\n".repeat(100)).unwrap();
    gzip.finish().unwrap();
    assert_eq!(cause(&archive), "what is compressed in it is no tar archive");

    let archive = Archive::new(|tar| {
        std::io::Write::write_all(tar.get_mut(), &[b'x'; 512]).unwrap();
        file(tar, "course/static/a.txt", b"a");
    });
    assert_eq!(cause(&archive), "what comes behind \"course/course.xml\" is no member of a tar archive");
}

#[test]
fn what_is_no_package_says_so() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("a/b")).unwrap();
    fs::write(directory.path().join("a/b/notes.txt"), "x").unwrap();
    let error = DirectorySource::open(directory.path()).unwrap_err();
    assert!(matches!(&error, PackageError::NoCourse { path } if path == directory.path()), "{error}");
    let missing = directory.path().join("missing");
    assert!(matches!(DirectorySource::open(&missing), Err(PackageError::NotFound { .. })));
    let limits = ArchiveLimits::default();
    assert!(matches!(
        ArchiveSource::open(&missing.with_extension("tgz"), &limits),
        Err(PackageError::NotFound { .. })
    ));
    let text = directory.path().join("a/b/notes.txt");
    assert!(matches!(ArchiveSource::open(&text, &limits), Err(PackageError::UnknownArchive { .. })));
}

#[test]
fn a_directory_may_not_lead_out() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("course.xml"), "<course/>").unwrap();
    fs::write(directory.path().join("a.txt"), "a").unwrap();
    std::os::unix::fs::symlink("a.txt", directory.path().join("inside")).unwrap();
    let source = DirectorySource::open(directory.path()).unwrap();
    assert_eq!(paths(&source), ["a.txt", "course.xml", "inside"]);
    std::os::unix::fs::symlink("/etc/passwd", directory.path().join("outside")).unwrap();
    let error = DirectorySource::open(directory.path()).unwrap_err();
    assert!(
        matches!(&error, PackageError::IllegalLink { member, target, .. } if member == "outside" && target == "/etc/passwd"),
        "{error}"
    );
}

#[test]
fn a_directory_says_the_same_as_its_files_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let large = vec![b'x'; 100_000];
    // In the order of whole paths the folder `a` stands between `a-b` and `a0`, not where its own name would.
    let files: [(&str, &[u8]); 8] = [
        ("course.xml", b"<course/>"),
        ("a-b", b"1"),
        ("a.xml", b""),
        ("a/x.xml", b"2"),
        ("a/y/z.bin", &large),
        ("a/y-z", b"3"),
        ("a0", b"4"),
        ("static/b/c.png", b"5"),
    ];
    for (path, content) in files {
        let file = directory.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    let source = DirectorySource::open(directory.path()).unwrap();
    let memory: MemoryPackage = files.into_iter().collect();
    for folder in ["", "a", "a/y", "static", "stat", "static/b", "a-b", "none"] {
        assert_eq!(source.list(folder).unwrap(), memory.list(folder).unwrap(), "{folder}");
    }
    for path in files.iter().map(|(path, _)| *path).chain(["a", "a/x", "none", "../course.xml"]) {
        assert_eq!(source.exists(path).unwrap(), memory.exists(path).unwrap(), "{path}");
        assert_eq!(source.read(path).unwrap(), memory.read(path).unwrap(), "{path}");
        for limit in [0, 1, 99_999, 100_000] {
            let within = |source: &dyn PackageSource| source.read_within(path, limit).unwrap();
            assert_eq!(within(&source), within(&memory), "{path}, {limit}");
        }
    }
}

#[test]
fn a_file_that_changed_since_it_was_listed_is_read_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("course.xml");
    fs::write(&path, "<course/>").unwrap();
    let source = DirectorySource::open(directory.path()).unwrap();
    for content in ["", "<course url_name=\"longer\"/>"] {
        fs::write(&path, content).unwrap();
        let read = source.read_within("course.xml", 1000).unwrap();
        assert_eq!(read, Some(Contents::Bytes(content.into())));
    }
}

#[test]
fn a_directory_appears_whole() {
    let parent = tempfile::tempdir().unwrap();
    let target = parent.path().join("out");
    let mut sink = DirectorySink::create(&target, Overwrite::Refuse).unwrap();
    sink.write("html/a.xml", b"<html/>").unwrap();
    assert!(!target.exists());
    for bad in ["../x", "/x", "a//b", ""] {
        assert!(matches!(sink.write(bad, b""), Err(PackageError::IllegalPath { .. })), "{bad}");
    }
    sink.finish().unwrap();
    assert_eq!(fs::read(target.join("html/a.xml")).unwrap(), b"<html/>");

    assert!(matches!(
        DirectorySink::create(&target, Overwrite::Refuse),
        Err(PackageError::TargetTaken { .. })
    ));
    let mut sink = DirectorySink::create(&target, Overwrite::Replace).unwrap();
    sink.write("b.xml", b"<b/>").unwrap();
    sink.finish().unwrap();
    assert!(!target.join("html").exists());
    assert_eq!(fs::read(target.join("b.xml")).unwrap(), b"<b/>");
    assert_eq!(names(parent.path()), ["out"], "nothing is left beside the target");
}

#[test]
fn an_abandoned_package_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let mut sink = DirectorySink::create(&parent.path().join("out"), Overwrite::Refuse).unwrap();
    sink.write("a.xml", b"<a/>").unwrap();
    drop(sink);
    assert_eq!(names(parent.path()), [] as [&str; 0]);
}

#[test]
fn the_same_files_give_the_same_archive() {
    let parent = tempfile::tempdir().unwrap();
    let write = |name: &str, order: &[&str]| {
        let target = parent.path().join(name);
        let mut sink = ArchiveSink::create(&target, "run", Overwrite::Refuse).unwrap();
        for path in order {
            sink.write(path, path.as_bytes()).unwrap();
        }
        sink.finish().unwrap();
        target
    };
    let one = write("one.tar.gz", &["course.xml", "html/a.xml", "static/b.txt"]);
    let two = write("two.tar.gz", &["static/b.txt", "html/a.xml", "course.xml"]);
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
    let source = ArchiveSource::open(&one, &ArchiveLimits::default()).unwrap();
    assert_eq!(paths(source.directory()), ["course.xml", "html/a.xml", "static/b.txt"]);
    assert!(source.directory().root().ends_with("run"));
    assert!(matches!(
        ArchiveSink::create(&one, "run", Overwrite::Refuse),
        Err(PackageError::TargetTaken { .. })
    ));
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_and_a_directory_of_one_name_are_refused() {
    let fills: [fn(&mut Tar); 4] = [
        |tar| {
            file(tar, "course/a", b"x");
            file(tar, "course/a/b.txt", b"x");
        },
        |tar| {
            file(tar, "course/a/b.txt", b"x");
            file(tar, "course/a", b"x");
        },
        |tar| {
            file(tar, "course/a", b"x");
            member(tar, EntryType::Directory, b"course/a/", b"", b"");
        },
        |tar| {
            file(tar, "course/a/b.txt", b"x");
            link(tar, EntryType::Symlink, "course/a", "course.xml");
        },
    ];
    for fill in fills {
        let error = Archive::new(fill).refused();
        assert!(
            matches!(&error, PackageError::FileAndDirectory { member, .. } if member == "course/a"),
            "{error}"
        );
    }
    // The same file twice is no such thing: the later one counts.
    let archive = Archive::new(|tar| {
        file(tar, "course/a.txt", b"one");
        file(tar, "course/a.txt", b"two");
    });
    let source = archive.open().unwrap();
    assert_eq!(fs::read(source.directory().file("a.txt").unwrap()).unwrap(), b"two");
}

#[test]
fn directories_that_are_too_deep_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("course.xml"), "<course/>").unwrap();
    let nested = |depth: usize| directory.path().join(vec!["d"; depth].join("/"));
    fs::create_dir_all(nested(64)).unwrap();
    fs::write(nested(64).join("a.txt"), "a").unwrap();
    let source = DirectorySource::open(directory.path()).unwrap();
    assert_eq!(paths(&source).len(), 2, "{:?}", paths(&source));
    fs::create_dir_all(nested(65)).unwrap();
    let error = DirectorySource::open(directory.path()).unwrap_err();
    assert!(matches!(&error, PackageError::TooDeep { limit: 64, .. }), "{error}");
}

#[test]
fn links_to_directories_are_followed_and_never_round() {
    use std::os::unix::fs::symlink;

    let directory = tempfile::tempdir().unwrap();
    let at = |path: &str| directory.path().join(path);
    fs::create_dir_all(at("course/static/pictures")).unwrap();
    fs::write(at("course/course.xml"), "<course/>").unwrap();
    fs::write(at("course/static/pictures/a.txt"), "a").unwrap();
    symlink("pictures", at("course/static/images")).unwrap();
    // An editor's lock says who edits where; it leads nowhere.
    symlink("ann@desk.4711:1", at("course/.#course.xml")).unwrap();
    let source = DirectorySource::open(&at("course")).unwrap();
    assert_eq!(paths(&source), ["course.xml", "static/images/a.txt", "static/pictures/a.txt"]);
    assert_eq!(fs::read(source.file("static/images/a.txt").unwrap()).unwrap(), b"a");

    symlink("..", at("course/static/pictures/up")).unwrap();
    let error = DirectorySource::open(&at("course")).unwrap_err();
    assert!(
        matches!(&error, PackageError::NestedLink { member, target, .. }
            if member == "static/images/up" && target == ".."),
        "{error}"
    );
    fs::remove_file(at("course/static/pictures/up")).unwrap();

    fs::create_dir(at("private")).unwrap();
    symlink("../../private", at("course/static/out")).unwrap();
    let error = DirectorySource::open(&at("course")).unwrap_err();
    assert!(matches!(&error, PackageError::IllegalLink { member, .. } if member == "static/out"), "{error}");
}

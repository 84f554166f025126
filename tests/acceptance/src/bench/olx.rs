//! OLX: parsing against quick-xml merely reading the same bytes, memory against those bytes, whole courses read.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use courseware::{ArchiveLimits, open_package};
use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};
use xblock_core::block::Registry;
use xblock_core::olx::{
    Document, FileName, MemoryPackage, PackageSource, ParseOptions, ReadOptions, SourceError, Threads,
    read_course,
};

use super::{Contest, Goal, Measure, Outcome, Pick, Reference, Side, Unit, best, seconds_each};

/// A folder's files in memory, by their paths in it.
pub type Files = Vec<(String, Vec<u8>)>;

/// Reads all files below a folder.
///
/// # Errors
/// Whatever keeps a file from being read.
pub fn load(folder: &Path) -> Outcome<Files> {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).map_err(|error| format!("{}: {error}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
                files.push((name, std::fs::read(&path)?));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Chooses the OLX files.
#[must_use]
pub fn olx_files(files: &Files) -> Vec<(FileName, Vec<u8>)> {
    let is_olx = |path: &str| path.ends_with(".xml") && !path.starts_with("static/");
    files
        .iter()
        .filter(|(path, _)| is_olx(path))
        .map(|(path, bytes)| (path.as_str().into(), bytes.clone()))
        .collect()
}

/// Makes one file of a course that holds everything: sections of units with texts, problems and videos.
#[must_use]
pub fn synthetic(units: usize) -> Vec<u8> {
    let mut text = String::from("<course url_name=\"2026\" org=\"Org\" course=\"Big\">\n");
    for n in 0..units {
        text.push_str(&format!(
            "  <vertical url_name=\"unit{n:06}\" display_name=\"Unit {n} of many\">\n\
             \x20   <html url_name=\"text{n:06}\" display_name=\"About &quot;tides&quot;\"><p>The sea rises &amp; falls \
             <b>twice</b> a day, more or less, wherever the moon has its way with it.</p>\n\
             <p>See <a href=\"/static/tides-{n}.png\">the picture</a>.</p></html>\n\
             \x20   <problem url_name=\"question{n:06}\" display_name=\"How often?\" max_attempts=\"3\" weight=\"1.0\">\n\
             \x20     <multiplechoiceresponse>\n\
             \x20       <label>How often does the sea rise in a day on most coasts?</label>\n\
             \x20       <choicegroup type=\"MultipleChoice\">\n\
             \x20         <choice correct=\"false\">Once</choice>\n\
             \x20         <choice correct=\"true\">Twice <choicehint>Right: the moon and its shadow.</choicehint></choice>\n\
             \x20       </choicegroup>\n\
             \x20     </multiplechoiceresponse>\n\
             \x20   </problem>\n\
             \x20   <video url_name=\"film{n:06}\" youtube_id_1_0=\"3_yD_cEKoCk\" sub=\"\" display_name=\"A film\"/>\n\
             \x20 </vertical>\n"
        ));
    }
    text.push_str("</course>\n");
    text.into_bytes()
}

/// Reads a text with quick-xml as it is set up by itself, and keeps nothing: every event, the attributes of start tags
/// with their values, and the texts.
///
/// A loop that only counts events leaves attributes and line endings unread, and with them what can be wrong there.
///
/// # Errors
/// What quick-xml says.
pub fn merely_read(bytes: &[u8]) -> Outcome<usize> {
    let mut reader = Reader::from_reader(bytes);
    let mut events = 0;
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok(events),
            Event::Start(tag) | Event::Empty(tag) => {
                for attribute in tag.attributes() {
                    black_box(attribute?.normalized_value(XmlVersion::Implicit1_0)?);
                }
            }
            Event::Text(text) => drop(black_box(text.xml10_content())),
            event => drop(black_box(event)),
        }
        events += 1;
    }
}

/// Finds the events of a text with quick-xml and looks into none of them.
///
/// # Errors
/// What quick-xml says.
pub fn find_events(bytes: &[u8]) -> Outcome<usize> {
    let mut reader = Reader::from_reader(bytes);
    let mut events = 0;
    while !matches!(black_box(reader.read_event()?), Event::Eof) {
        events += 1;
    }
    Ok(events)
}

fn parse(files: &[(FileName, Vec<u8>)]) -> Outcome<Vec<Document>> {
    let options = ParseOptions::platform();
    let parse = |(name, bytes): &(FileName, Vec<u8>)| Document::parse(name.clone(), bytes, &options);
    Ok(files.iter().map(parse).collect::<Result<_, _>>()?)
}

/// What parsing is measured beside.
#[derive(Clone, Copy)]
enum Beside {
    /// Everything quick-xml reads.
    Reading,
    /// Only where each piece of markup begins and ends.
    Events,
}

fn parsing(name: &'static str, files: Vec<(FileName, Vec<u8>)>, beside: Beside) -> Contest {
    let (who, goal) = match beside {
        Beside::Reading => ("quick-xml reading", Some(Goal::TimesMore(2.5))),
        Beside::Events => ("quick-xml's events alone", None),
    };
    let read = move |bytes: &[u8]| match beside {
        Beside::Reading => merely_read(bytes),
        Beside::Events => find_events(bytes),
    };
    let same = files.clone();
    Contest {
        name,
        unit: Unit::Seconds,
        pick: Pick::Least,
        ours: Side::Rust(Box::new(move || best(|| seconds_each(1, || parse(&files))))),
        theirs: Some((
            who,
            Side::Rust(Box::new(move || {
                best(|| seconds_each(1, || same.iter().try_fold(0, |sum, (_, b)| Ok(sum + read(b)?))))
            })),
        )),
        goal,
    }
}

fn big() -> Vec<(FileName, Vec<u8>)> {
    vec![("big.xml".into(), synthetic(4000))]
}

fn merely_load(folder: &Path, names: &[String]) -> Outcome<Files> {
    let read = |name: &String| Ok((name.clone(), std::fs::read(folder.join(name))?));
    names.iter().map(read).collect()
}

/// Finds out which files of a package are read with it: all but the static ones, which are only listed.
fn files_read(package: &MemoryPackage, registry: &Registry) -> Outcome<Vec<String>> {
    struct Noting<'p>(&'p MemoryPackage, Mutex<BTreeSet<String>>);
    impl PackageSource for Noting<'_> {
        fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
            self.1.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
            self.0.read(path)
        }

        fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
            self.0.list(folder)
        }

        fn exists(&self, path: &str) -> Result<bool, SourceError> {
            self.0.exists(path)
        }
    }
    let noting = Noting(package, Mutex::default());
    read_course(&noting, &ReadOptions::default(), registry)?;
    let read = noting.1.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(read.into_iter().filter(|path| package.files.contains_key(path)).collect())
}

/// Lists the comparisons for a course in a folder: parsing its OLX files and a big one, and reading it as a whole.
///
/// # Errors
/// Where the course cannot be read.
pub fn contests(course: &Path) -> Outcome<Vec<Contest>> {
    let files = load(course)?;
    let registry: Registry = blocks::registry()?;
    let package: MemoryPackage = files.iter().cloned().collect();
    let options = ReadOptions::default();
    let read = read_course(&package, &options, &registry)?;
    let blocks = read.published.len() + read.draft.len();
    let names = files_read(&package, &registry)?;
    let one = ReadOptions::default().threads(Threads::One);
    let (once, alone) = (package.clone(), package.clone());
    let (once_registry, alone_registry) = (registry.clone(), registry.clone());
    let (folder, same) = (course.to_owned(), course.to_owned());
    let other = registry.clone();
    Ok(vec![
        parsing("parse the course's OLX files", olx_files(&files), Beside::Reading),
        parsing("parse the course's OLX files", olx_files(&files), Beside::Events),
        parsing("parse a big file", big(), Beside::Reading),
        parsing("parse a big file", big(), Beside::Events),
        Contest {
            name: "read a course from memory, a block",
            unit: Unit::Seconds,
            pick: Pick::Least,
            ours: Side::Rust(Box::new(move || {
                best(|| {
                    seconds_each(blocks, || Ok(read_course(&package, &ReadOptions::default(), &registry)?))
                })
            })),
            theirs: Some(("lxml, XBlock, xblocks-contrib", Side::Python("course_memory"))),
            goal: Some(Goal::TimesLess(100.0)),
        },
        Contest {
            name: "the same once, after other work, a block",
            unit: Unit::Seconds,
            pick: Pick::Least,
            ours: Side::Rust(Box::new(move || {
                seconds_each(blocks, || Ok(read_course(&once, &ReadOptions::default(), &once_registry)?))
            })),
            theirs: Some(("lxml, XBlock, xblocks-contrib", Side::Python("course_memory"))),
            goal: None,
        },
        Contest {
            name: "the same on one thread, a block",
            unit: Unit::Seconds,
            pick: Pick::Least,
            ours: Side::Rust(Box::new(move || {
                best(|| seconds_each(blocks, || Ok(read_course(&alone, &one, &alone_registry)?)))
            })),
            theirs: Some(("lxml, XBlock, xblocks-contrib", Side::Python("course_memory"))),
            goal: None,
        },
        Contest {
            name: "read a course from disk",
            unit: Unit::Seconds,
            pick: Pick::Least,
            ours: Side::Rust(Box::new(move || {
                seconds_each(1, || {
                    let package = open_package(&folder, &ArchiveLimits::default())?;
                    Ok(read_course(&*package, &options, &other)?)
                })
            })),
            theirs: Some((
                "merely reading the same files",
                Side::Rust(Box::new(move || seconds_each(1, || merely_load(&same, &names)))),
            )),
            goal: Some(Goal::TimesMore(2.0)),
        },
    ])
}

/// Measures how much memory parsed documents take, given a counter of the bytes in use.
///
/// # Errors
/// Where the course cannot be read.
#[expect(clippy::cast_precision_loss, reason = "sizes of courses are small")]
pub fn memory(course: &Path, in_use: &dyn Fn() -> usize) -> Outcome<Vec<Measure>> {
    let course = olx_files(&load(course)?);
    let mut measures = Vec::new();
    for (name, files) in [("hold the course's OLX files", course), ("hold a big file", big())] {
        let before = in_use();
        let documents = parse(&files)?;
        let value = in_use().saturating_sub(before) as f64;
        drop(documents);
        let bytes = files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() as f64;
        let reference = Some(Reference { name: "the bytes", value: bytes });
        measures.push(Measure {
            name,
            value,
            unit: Unit::Bytes,
            reference,
            goal: Some(Goal::TimesMore(6.0)),
        });
    }
    Ok(measures)
}

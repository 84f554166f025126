//! What cannot be used is refused with its place, and leaves no store behind.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::command::{Ran, TIDES, block, courseware, import_tides, stores};

/// A course of files, imported through the command.
struct Course {
    directory: TempDir,
}

const ROOT: &str = r#"<course url_name="R" org="O" course="C"/>"#;

impl Course {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let course = Self { directory: tempdir().unwrap() };
        for (path, content) in files {
            let place = course.directory.path().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, content).unwrap();
        }
        course
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("course")
    }

    fn store(&self) -> String {
        format!("blockstore:{}", self.directory.path().join("store").display())
    }

    fn import(&self) -> Ran {
        import(&self.path(), &self.store())
    }

    /// The remarks of an import that is refused; nothing is written then.
    fn refused(&self) -> Vec<Value> {
        let text = import_strictly(&self.path(), &self.store()).exits(1);
        assert!(text.err.lines().any(|line| line.starts_with("error: ")), "{}", text.err);
        let path = self.path();
        let ran =
            courseware(["import", path.to_str().unwrap(), "--store", &self.store(), "--strict", "--json"])
                .exits(1);
        let report = ran.json();
        assert_eq!(report["outcome"], "refused");
        assert!(!self.directory.path().join("store").exists(), "no store is made");
        let found: Vec<Value> = report["diagnostics"].as_array().unwrap().clone();
        for remark in found.iter().filter(|remark| remark["severity"] == "error") {
            let (file, line) = (&remark["file"], &remark["line"]);
            let start = match (file.as_str(), line.as_u64()) {
                (Some(file), Some(line)) => format!("{file}:{line}:{}: error[", remark["column"]),
                (Some(file), None) => format!("{file}: error["),
                _ => "error[".into(),
            };
            assert!(text.err.contains(&start), "{start} in {}", text.err);
        }
        found.into_iter().filter(|remark| remark["severity"] == "error").collect()
    }
}

fn import(course: &Path, store: &str) -> Ran {
    courseware(["import", course.to_str().unwrap(), "--store", store])
}

fn import_strictly(course: &Path, store: &str) -> Ran {
    courseware(["import", course.to_str().unwrap(), "--store", store, "--strict"])
}

/// An import that fails before anything is read names the package and touches no store.
#[track_caller]
fn fails(course: &Path, code: i32, words: &str) {
    let directory = tempdir().unwrap();
    let [store, _] = stores(directory.path());
    let ran = import(course, &store).exits(code);
    assert!(ran.err.starts_with("error: "), "{}", ran.err);
    assert!(ran.err.contains(words), "{}", ran.err);
    assert_eq!(ran.out, "");
    let ran = courseware(["import", course.to_str().unwrap(), "--store", &store, "--json"]).exits(code);
    let error = &ran.json()["error"];
    let names = [(1, "refused"), (3, "not_found"), (4, "failed")];
    assert!(names.iter().any(|(number, name)| *number == code && error["code"] == *name), "{error}");
    assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    assert!(error["causes"].is_array(), "{error}");
    assert!(fs::read_dir(directory.path()).unwrap().next().is_none(), "no store is made");
}

#[test]
fn a_directory_without_a_course() {
    let course = Course::new(&[("course/html/a.html", b"<p>a</p>"), ("course/html/a.xml", b"<html/>")]);
    fails(&course.path(), 1, "no course.xml");
    let course = Course::new(&[("course/photo.jpg", b"\xff\xd8\xff")]);
    fails(&course.path(), 1, "no course.xml");
    fails(&course.path().join("nowhere"), 3, "does not exist");
    fails(&course.path().join("photo.jpg"), 1, "neither a directory nor");
}

#[test]
fn a_course_xml_that_is_no_course() {
    let course = Course::new(&[("course/course.xml", b"<svg/>")]);
    let ran = course.import().exits(1);
    assert!(ran.err.contains("course.xml:1:1"), "{}", ran.err);
    let course = Course::new(&[("course/course.xml", b"<course url_name=")]);
    let found = course.refused();
    assert!(
        matches!(&found[..], [remark] if remark["file"] == "course.xml" && remark["line"] == 1),
        "{found:#?}"
    );
}

#[test]
fn broken_xml() {
    let course = Course::new(&[
        ("course/course.xml", ROOT.as_bytes()),
        ("course/course/R.xml", b"<course>\n  <chapter url_name=\"c\"/>\n</course>"),
        ("course/chapter/c.xml", b"<chapter>\n  <sequential>\n</chapter>"),
    ]);
    let found = course.refused();
    assert!(found.iter().any(|r| r["file"] == "chapter/c.xml" && r["line"] == 3), "{found:#?}");
}

#[test]
fn files_that_point_back_to_themselves() {
    let round =
        b"<vertical display_name=\"V\"><vertical url_name=\"v\"/><vertical url_name=\"v\"/></vertical>";
    let chapter =
        b"<chapter><sequential><vertical url_name=\"v\"/></sequential><sequential url_name=\"s\"/></chapter>";
    let course = Course::new(&[
        ("course/course.xml", ROOT.as_bytes()),
        ("course/course/R.xml", b"<course><chapter url_name=\"c\"/></course>"),
        ("course/chapter/c.xml", chapter),
        (
            "course/sequential/s.xml",
            b"<sequential><chapter url_name=\"c\"/><html url_name=\"h\">x</html></sequential>",
        ),
        ("course/vertical/v.xml", round),
    ]);
    let found = course.refused();
    for file in ["vertical/v.xml", "sequential/s.xml"] {
        assert!(found.iter().any(|r| r["file"] == file && r["code"] == "nested-too-deep"), "{found:#?}");
    }
    let path = course.path();
    courseware(["import", path.to_str().unwrap(), "--store", &course.store()]).exits(0);
    let tree = courseware(["tree", "course-v1:O+C+R", "--store", &course.store()]).exits(0);
    assert!(tree.out.contains("error") && tree.out.contains("html"), "the course goes on: {}", tree.out);
}

#[test]
fn a_pointer_to_a_missing_file() {
    let course = Course::new(&[
        ("course/course.xml", ROOT.as_bytes()),
        ("course/course/R.xml", b"<course>\n  <chapter url_name=\"gone\"/>\n</course>"),
    ]);
    let found = course.refused();
    assert!(
        found.iter().any(|r| r["file"] == "course/R.xml"
            && r["line"] == 2
            && r["message"].as_str().is_some_and(|m| m.contains("chapter/gone.xml"))),
        "{found:#?}"
    );
    let path = course.path();
    let ran = courseware(["import", path.to_str().unwrap(), "--store", &course.store()]).exits(0);
    assert!(ran.err.contains("course/R.xml:2:"), "{}", ran.err);
    let tree = courseware(["tree", "course-v1:O+C+R", "--store", &course.store()]).exits(0);
    assert!(tree.out.contains("error"), "the broken block is kept: {}", tree.out);
}

#[test]
fn two_blocks_of_one_name() {
    let course = Course::new(&[
        ("course/course.xml", ROOT.as_bytes()),
        (
            "course/course/R.xml",
            b"<course><chapter url_name=\"c\"><sequential url_name=\"s\"><vertical url_name=\"v\">\n\
              <problem url_name=\"p\"><p>one</p></problem>\n<problem url_name=\"p\"><p>two</p></problem>\n\
              </vertical></sequential></chapter></course>",
        ),
    ]);
    let path = course.path();
    let ran = courseware(["import", path.to_str().unwrap(), "--store", &course.store(), "--json"]);
    let report = ran.json();
    let remarks = report["diagnostics"].as_array().unwrap();
    assert!(
        remarks.iter().any(|r| r["file"] == "course/R.xml" && r["line"] == 3 && r["severity"] != "note"),
        "{report:#}"
    );
}

#[test]
fn a_file_that_is_not_utf8() {
    let course = Course::new(&[
        ("course/course.xml", ROOT.as_bytes()),
        ("course/course/R.xml", b"<course><chapter url_name=\"c\"/></course>"),
        (
            "course/chapter/c.xml",
            b"<chapter><sequential><vertical><html url_name=\"h\"/></vertical></sequential></chapter>",
        ),
        ("course/html/h.xml", b"<html filename=\"h\"/>"),
        ("course/html/h.html", b"<p>\xe9</p>"),
    ]);
    let found = course.refused();
    assert!(found.iter().any(|r| r["file"] == "html/h.html"), "{found:#?}");
}

#[test]
fn archives_that_are_not_safe_or_not_whole() {
    let directory = tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    let pack = |name: &str, member: &str, kind: tar::EntryType, link: &str| {
        let file = fs::File::create(place(name)).unwrap();
        let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.as_old_mut().name[..member.len()].copy_from_slice(member.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        tar.append(&header, &b""[..]).unwrap();
        tar.into_inner().unwrap().finish().unwrap();
    };
    pack("up.tar.gz", "../evil.xml", tar::EntryType::Regular, "");
    fails(&place("up.tar.gz"), 1, "\"../evil.xml\"");
    pack("link.tar.gz", "course/a.xml", tar::EntryType::Symlink, "/etc/passwd");
    fails(&place("link.tar.gz"), 1, "\"/etc/passwd\"");
    fs::write(place("cut.tar.gz"), &fs::read(place("up.tar.gz")).unwrap()[..40]).unwrap();
    fails(&place("cut.tar.gz"), 4, "is damaged");
}

#[test]
fn what_was_named_is_not_there() {
    let directory = tempdir().unwrap();
    for store in &stores(directory.path()) {
        let missing = courseware(["tree", TIDES, "--store", store]).exits(3);
        assert_eq!(missing.err, format!("error: there is no store {store}\n"));
        import_tides(store);
        let other = "course-v1:No+Such+Course";
        let missing = courseware(["tree", other, "--store", store]).exits(3);
        assert_eq!(missing.err, format!("error: no learning context {other}\n"));
        let missing = courseware(["render", &block("html", "gone"), "--store", store]).exits(3);
        assert!(missing.err.contains("gone"), "{}", missing.err);
        courseware(["render", &block("html", "two_bulges"), "--store", store, "--view", "no_view"]).exits(3);
        courseware(["publish", other, "--from", store, "--to", "memory:"]).exits(3);
        let late = courseware(["changes", "--store", store, "--after", "99999", "--json"]).exits(3);
        assert_eq!(late.json()["error"]["code"], "not_found");
        let draft_only = courseware([
            "show",
            &block("vertical", "unit_tide_mills"),
            "--store",
            store,
            "--branch",
            "published",
        ]);
        draft_only.exits(3);
    }
}

#[test]
fn command_lines_that_cannot_be_used() {
    let usage = |arguments: &[&str], words: &str| {
        let ran = courseware(arguments).exits(2);
        assert!(ran.err.contains(words), "{}", ran.err);
    };
    usage(&["tree", TIDES, "--store", "mongodb:x"], "blockstore:DIR");
    usage(&["tree", "not a key", "--store", "memory:"], "not a key");
    usage(&["tree", TIDES], "--store");
    usage(
        &["submit", &block("problem", "p"), "--store", "memory:", "--user", "u", "choice_1"],
        "is no answer",
    );
    usage(&["paint"], "paint");
    let course = crate::command::tides();
    let course = course.to_str().unwrap();
    usage(&["import", course, "--store", "memory:", "--as", "library-v1:O+L"], "cannot be imported as");
    let library =
        Course::new(&[("course/library.xml", br#"<library url_name="library" org="O" library="L"/>"#)]);
    let path = library.path();
    let library = path.to_str().unwrap();
    usage(&["import", library, "--store", "memory:", "--as", TIDES], "cannot be imported as");
    courseware(["import", library, "--store", "memory:", "--as", "library-v1:P+M"]).exits(0);
    let help = courseware(["--help"]).exits(0);
    assert!(help.out.contains("EXIT CODES"), "{}", help.out);
}

#[test]
fn a_damaged_store_is_a_failure_not_a_panic() {
    let directory = tempdir().unwrap();
    let [_, modulestore] = stores(directory.path());
    fs::write(directory.path().join("split.db"), b"this is no database, only a text that is long enough")
        .unwrap();
    let ran = courseware(["list", "--store", &modulestore]).exits(4);
    assert!(ran.err.starts_with("error: "), "{}", ran.err);
    let course = crate::command::tides();
    courseware(["import", course.to_str().unwrap(), "--store", &modulestore]).exits(4);
}

#[test]
fn one_damaged_course_leaves_the_others_listed() {
    let course = Course::new(&[
        ("course/course.xml", ROOT.as_bytes()),
        ("course/course/R.xml", b"<course display_name=\"Sound\"/>"),
    ]);
    import_tides(&course.store());
    for bundle in fs::read_dir(course.directory.path().join("store/storage")).unwrap() {
        let snapshots = bundle.unwrap().path().join("snapshots");
        if snapshots.exists() {
            fs::remove_dir_all(snapshots).unwrap();
        }
    }
    course.import().exits(0);
    let ran = courseware(["list", "--store", &course.store()]).exits(4);
    assert!(ran.out.contains("course-v1:O+C+R") && !ran.out.contains(TIDES), "{}", ran.out);
    assert!(ran.err.contains("snapshots") && ran.err.contains(TIDES), "{}", ran.err);
    let listed = courseware(["list", "--store", &course.store(), "--json"]).exits(4).json();
    assert_eq!(listed[0]["context"], "course-v1:O+C+R");
    assert_eq!(listed[1]["context"], TIDES);
    assert!(listed[1]["error"].as_str().unwrap().contains("missing"), "{listed}");
}

/// Half a document is told with the course it is of.
#[test]
fn a_truncated_course_is_named() {
    let course = Course::new(&[
        ("course/course.xml", ROOT.as_bytes()),
        ("course/course/R.xml", b"<course display_name=\"Sound\"/>"),
    ]);
    import_tides(&course.store());
    for bundle in fs::read_dir(course.directory.path().join("store/storage")).unwrap() {
        let Ok(snapshots) = fs::read_dir(bundle.unwrap().path().join("snapshots")) else { continue };
        for snapshot in snapshots {
            let path = snapshot.unwrap().path();
            let whole = fs::read(&path).unwrap();
            fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        }
    }
    course.import().exits(0);
    let ran = courseware(["list", "--store", &course.store()]).exits(4);
    assert!(ran.out.contains("course-v1:O+C+R") && !ran.out.contains(TIDES), "{}", ran.out);
    assert!(
        ran.err.contains(&format!("{TIDES} cannot be read")) && ran.err.contains("damaged"),
        "{}",
        ran.err
    );
    let listed = courseware(["list", "--store", &course.store(), "--json"]).exits(4).json();
    assert_eq!(listed[1]["context"], TIDES);
}

#[test]
fn a_damaged_course_index_leaves_the_others_listed() {
    let directory = tempdir().unwrap();
    let [_, modulestore] = stores(directory.path());
    let course = Course::new(&[
        ("course/course.xml", ROOT.as_bytes()),
        ("course/course/R.xml", b"<course display_name=\"Sound\"/>"),
    ]);
    courseware(["import", course.path().to_str().unwrap(), "--store", &modulestore]).exits(0);
    import_tides(&modulestore);
    {
        let db = rusqlite::Connection::open(directory.path().join("split.db")).unwrap();
        let sql = r#"SELECT document FROM "modulestore.active_versions" WHERE org <> 'O'"#;
        let mut index: Vec<u8> = db.query_row(sql, [], |row| row.get(0)).unwrap();
        // A symbol in the place of a text.
        let at = index.windows(5).position(|bytes| bytes == b"\x02org\0").unwrap();
        index[at] = 0x0d;
        let sql = r#"UPDATE "modulestore.active_versions" SET document = ? WHERE org <> 'O'"#;
        db.execute(sql, [index]).unwrap();
    }
    let site = directory.path().join("site.json");
    let stores = serde_json::json!({ "stores": [{ "name": "a", "url": modulestore }], "mappings": {} });
    fs::write(&site, stores.to_string()).unwrap();
    for store in [modulestore.clone(), format!("mixed:{}", site.display())] {
        let ran = courseware(["list", "--store", &store]).exits(4);
        assert!(ran.out.contains("course-v1:O+C+R") && !ran.out.contains(TIDES), "{}", ran.out);
        assert!(ran.err.contains("course index"), "{}", ran.err);
        let listed = courseware(["list", "--store", &store, "--json"]).exits(4).json();
        assert_eq!(listed[0]["context"], "course-v1:O+C+R");
        assert_eq!(listed[1]["context"], Value::Null);
        assert!(listed[1]["error"].as_str().unwrap().contains("course index"), "{listed}");
    }
    let ran = courseware(["stats", "--store", &modulestore]).exits(4);
    assert!(ran.out.contains("course-v1:O+C+R") && ran.err.contains("course index"), "{}", ran.out);
    let ran = courseware(["store", "prune", &modulestore]).exits(4);
    assert!(ran.err.contains("course index"), "{}", ran.err);
}

#[test]
fn a_block_for_staff_is_kept_from_learners() {
    let course = Course::new(&[
        ("course/course.xml", ROOT.as_bytes()),
        ("course/course/R.xml", b"<course><chapter url_name=\"c\" visible_to_staff_only=\"true\"/></course>"),
        ("course/chapter/c.xml", b"<chapter visible_to_staff_only=\"true\" display_name=\"Secret\"/>"),
    ]);
    course.import().exits(0);
    let chapter = "block-v1:O+C+R+type@chapter+block@c";
    let store = course.store();
    let ran = courseware(["render", chapter, "--store", &store]).exits(3);
    assert!(ran.err.contains("for course staff only"), "{}", ran.err);
    courseware(["render", chapter, "--store", &store, "--user", "ann", "--staff"]).exits(0);
}

#[test]
fn a_file_of_a_gigabyte_is_refused_without_being_read() {
    let course = Course::new(&[
        ("course/course.xml", ROOT.as_bytes()),
        ("course/course/R.xml", b"<course><chapter url_name=\"c\"/></course>"),
        ("course/chapter/c.xml", b"<chapter><sequential url_name=\"s\"/></chapter>"),
        (
            "course/sequential/s.xml",
            b"<sequential><vertical url_name=\"v\"/><vertical url_name=\"w\"/></sequential>",
        ),
        ("course/vertical/v.xml", b""),
        ("course/vertical/w.xml", b"<vertical><html url_name=\"h\"/></vertical>"),
        ("course/html/h.xml", b"<html filename=\"h\"/>"),
        ("course/html/h.html", b"<p>Low water</p>"),
    ]);
    // The file has holes and takes no place on the disk; whoever reads it gets a gigabyte.
    let large = fs::OpenOptions::new().write(true).open(course.path().join("vertical/v.xml")).unwrap();
    large.set_len(1 << 30).unwrap();
    let report =
        courseware(["import", course.path().to_str().unwrap(), "--store", &course.store(), "--json"])
            .exits(0)
            .json();
    let remarks = report["diagnostics"].as_array().unwrap();
    let remark = remarks.iter().find(|remark| remark["severity"] == "error").unwrap();
    assert_eq!(remark["file"], "vertical/v.xml", "{remark}");
    assert!(remark["message"].as_str().unwrap().contains("67108864"), "{remark}");
    assert_eq!(report["blocks_by_type"]["error"], 1, "the course around it goes on: {report}");
    assert_eq!(report["blocks_by_type"]["html"], 1);
    let ran = courseware(["check", course.path().to_str().unwrap()]).exits(1);
    assert!(ran.out.contains("vertical/v.xml"), "{}", ran.out);
    let ran = courseware(["fmt", "--check", course.path().to_str().unwrap()]);
    assert!(format!("{}{}", ran.out, ran.err).contains("vertical/v.xml"), "{}{}", ran.out, ran.err);
}

#[test]
fn files_that_could_not_be_read_come_back_in_the_canonical_form_too() {
    let broken: [(&str, &[u8]); 6] = [
        ("html/g.xml", b"<html filename=\"g\" display_name="),
        ("html/g.html", b"<p>Nobody said that this is the text of g.</p>"),
        ("vertical/v.xml", b"<vertical><html></vertical>"),
        ("html/h.xml", b"<html filename=\"h\"/>"),
        ("html/h.html", b"<p>\xe9</p>"),
        ("problem/week1/p.xml", b"<problem>\xff</problem>"),
    ];
    let mut files: Vec<(String, &[u8])> = vec![
        ("course/course.xml".into(), ROOT.as_bytes()),
        ("course/course/R.xml".into(), b"<course><chapter url_name=\"c\"/></course>"),
        (
            "course/chapter/c.xml".into(),
            b"<chapter><sequential url_name=\"s\"><vertical url_name=\"v\"/><vertical url_name=\"w\">\
              <html url_name=\"h\"/><html url_name=\"g\"/><problem url_name=\"week1:p\"/></vertical></sequential></chapter>",
        ),
    ];
    files.extend(broken.iter().map(|(path, bytes)| (format!("course/{path}"), *bytes)));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), *bytes)).collect();
    let course = Course::new(&files);
    course.import().exits(0);
    let out = course.directory.path().join("out");
    let target = out.to_str().unwrap();
    courseware(["export", "course-v1:O+C+R", "--store", &course.store(), "--canonical", "-o", target])
        .exits(0);
    // The file of a block in a unit stands in the unit.
    for (path, bytes) in broken.into_iter().filter(|(path, _)| *path != "html/h.xml") {
        assert_eq!(fs::read(out.join(path)).ok().as_deref(), Some(bytes), "{path}");
    }
    courseware(["diff", course.path().to_str().unwrap(), target]).exits(0);
}

#[test]
fn an_export_that_leaves_blocks_out_says_so_and_exits_with_1() {
    let course = Course::new(&[
        ("course/course.xml", ROOT.as_bytes()),
        ("course/course/R.xml", b"<course/>"),
        (
            "course/drafts/vertical/a.xml",
            b"<vertical parent_url=\"i4x://O/C/sequential/gone\" index_in_children_list=\"0\"><html url_name=\"h\">t</html></vertical>",
        ),
    ]);
    course.import().exits(0);
    let out = course.directory.path().join("out");
    let ran = courseware([
        "export",
        "course-v1:O+C+R",
        "--store",
        &course.store(),
        "--canonical",
        "-o",
        out.to_str().unwrap(),
    ])
    .exits(1);
    assert!(ran.err.contains("orphan-left-out") && ran.err.contains("it is left out"), "{}", ran.err);
}

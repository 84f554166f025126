//! The exit codes that `docs/courseware.md` promises, command by command.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::command::{TIDES, block, courseware, import_tides, stores, tides};

/// A package without a course, a file that is no archive, one that is cut off, and one with a mistake in it.
fn packages(directory: &Path) -> [String; 4] {
    let at = |name: &str| directory.join(name).display().to_string();
    fs::create_dir(at("empty")).unwrap();
    fs::write(at("photo.jpg"), b"\xff\xd8\xff").unwrap();
    let whole = at("whole.tar.gz");
    let store = format!("blockstore:{}", at("for-the-archive"));
    import_tides(&store);
    courseware(["export", TIDES, "--store", &store, "-o", &whole]).exits(0);
    let bytes = fs::read(&whole).unwrap();
    fs::write(at("cut.tar.gz"), &bytes[..bytes.len() / 2]).unwrap();
    crate::main_job::copy(&tides(), Path::new(&at("broken")));
    fs::write(at("broken/vertical/unit_welcome.xml"), "<vertical>").unwrap();
    [at("empty"), at("photo.jpg"), at("cut.tar.gz"), at("broken")]
}

#[track_caller]
fn ends(arguments: &[&str], code: i32, name: &str) {
    let text = courseware(arguments).exits(code);
    assert!(code == 0 || name.is_empty() || text.err.starts_with("error: "), "{}", text.err);
    if !name.is_empty() {
        let json = courseware(arguments.iter().chain(&["--json"])).exits(code).json();
        assert_eq!(json["error"]["code"], name, "{json}");
    }
}

#[test]
fn commands_that_read_packages() {
    let directory = tempdir().unwrap();
    let [empty, photo, cut, broken] = packages(directory.path());
    let course = tides();
    let course = course.to_str().unwrap();
    let nowhere = directory.path().join("nowhere").display().to_string();
    let new = format!("blockstore:{}", directory.path().join("new").display());

    ends(&["check", course], 0, "");
    ends(&["check", course, "--deny", "note", "--level", "error"], 0, "");
    ends(&["check", &broken], 1, "");
    ends(&["check", &empty], 1, "");
    ends(&["check", &nowhere], 3, "not_found");
    ends(&["check", &photo], 4, "failed");
    ends(&["check", &cut], 4, "failed");
    ends(&["check", course, "--only", "no-such-code"], 2, "");

    ends(&["import", &empty, "--store", &new], 1, "refused");
    ends(&["import", &photo, "--store", &new], 1, "refused");
    ends(&["import", &broken, "--store", &new, "--strict"], 1, "");
    ends(&["import", &nowhere, "--store", &new], 3, "not_found");
    ends(&["import", &cut, "--store", &new], 4, "failed");
    ends(&["import", course, "--store", "nonsense"], 2, "");
    ends(&["import", course, "--store", &new, "--as", "library-v1:O+L"], 2, "usage");
    assert!(!directory.path().join("new").exists(), "no store is made");

    ends(&["diff", course, course], 0, "");
    ends(&["diff", course, &broken], 1, "");
    for (unreadable, code, name) in
        [(&empty, 4, "failed"), (&photo, 4, "failed"), (&cut, 4, "failed"), (&nowhere, 3, "not_found")]
    {
        ends(&["diff", course, unreadable], code, name);
        ends(&["diff", unreadable, course], code, name);
    }
    ends(&["diff", course, &new], 3, "not_found");
    ends(&["diff", course, "blockstore:x#nothing"], 2, "");

    ends(&["fmt", "--check", course], 0, "");
    ends(&["fmt", "--check", &broken], 1, "");
    ends(&["fmt", &empty], 4, "failed");
    ends(&["fmt", &photo], 4, "failed");
    ends(&["fmt", "--check", &cut], 4, "failed");
    ends(&["fmt", &nowhere], 3, "not_found");
}

#[test]
fn commands_that_read_stores() {
    let directory = tempdir().unwrap();
    let other = "course-v1:No+Such+Course";
    let out = |name: &str| directory.path().join(name).display().to_string();
    for (at, store) in stores(directory.path()).iter().enumerate() {
        for arguments in [
            &["list", "--store", store][..],
            &["tree", TIDES, "--store", store],
            &["check", TIDES, "--store", store],
            &["export", TIDES, "--store", store, "-o", &out("none")],
            &["publish", TIDES, "--from", store, "--to", "memory:"],
            &["compare", TIDES, store, store],
            &["diff", store, store],
        ] {
            ends(arguments, 3, "not_found");
        }
        import_tides(store);
        let html = block("html", "two_bulges");
        for arguments in [
            &["list", "--store", store][..],
            &["tree", TIDES, "--store", store],
            &["show", &html, "--store", store],
            &["render", &html, "--store", store],
            &["history", TIDES, "--store", store],
            &["changes", "--store", store],
            &["problems", TIDES, "--store", store],
            &["check", TIDES, "--store", store],
            &["compare", TIDES, store, store],
            &["diff", store, store],
            &["schema", "html"],
        ] {
            ends(arguments, 0, "");
        }
        for arguments in [
            &["tree", other, "--store", store][..],
            &["show", &block("html", "gone"), "--store", store],
            &["render", &block("html", "gone"), "--store", store],
            &["history", other, "--store", store],
            &["changes", "--store", store, "--after", "99999"],
            &["problems", other, "--store", store],
            &["check", other, "--store", store],
            &["compare", other, store, store],
            &["diff", &format!("{store}#{other}"), store],
            &["diff", &format!("{store}@no-such-version").replace("@", "#@"), store],
            &["export", other, "--store", store, "-o", &out("none")],
            &["submit", &block("problem", "gone"), "--store", store, "--user", "u", "a=b"],
            &["schema", "no_such_type"],
        ] {
            ends(arguments, 3, "not_found");
        }
        for arguments in [&["tree", "no key", "--store", store][..], &["paint"], &["tree", TIDES]] {
            ends(arguments, 2, "");
        }
        let target = out(&format!("out{at}"));
        let archive = out(&format!("out{at}.tar.gz"));
        for target in [&target, &archive] {
            ends(&["export", TIDES, "--store", store, "-o", target], 0, "");
            ends(&["export", TIDES, "--store", store, "-o", target], 5, "conflict");
            ends(&["export", TIDES, "--store", store, "-o", target, "--force"], 0, "");
        }
        ends(&["export", TIDES, "--store", store, "-o", "/proc/none"], 4, "failed");
    }
    let [left, right] = stores(directory.path());
    let changed = directory.path().join("changed");
    crate::main_job::copy(&tides(), &changed);
    fs::write(changed.join("html/two_bulges.html"), "<p>Slack water.</p>").unwrap();
    courseware(["import", changed.to_str().unwrap(), "--store", &right]).exits(0);
    ends(&["compare", TIDES, &left, &right], 1, "");
    ends(&["diff", &left, &right], 1, "");
    let damaged = directory.path().join("damaged.db");
    fs::write(&damaged, "this is no database, only a text that is long enough").unwrap();
    let damaged = format!("modulestore:{}", damaged.display());
    for arguments in [
        &["list", "--store", &damaged][..],
        &["tree", TIDES, "--store", &damaged],
        &["check", TIDES, "--store", &damaged],
        &["compare", TIDES, &left, &damaged],
        &["diff", &left, &damaged],
        &["publish", TIDES, "--from", &left, "--to", &damaged],
        &["export", TIDES, "--store", &damaged, "-o", &out("none")],
    ] {
        ends(arguments, 4, "failed");
    }
}

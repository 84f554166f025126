//! The table of what can be said about a package: one line for each code, for whoever asks what it means.

use super::diagnostic::Severity;

/// What a code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiagnosticCode {
    /// The name, which stays the same from version to version.
    pub name: &'static str,
    /// How bad it is at worst.
    pub severity: Severity,
    /// What goes wrong, and why: a sentence or two for an author.
    pub cause: &'static str,
    /// What an author can do about it.
    pub fix: &'static str,
}

impl DiagnosticCode {
    /// Describes a code.
    #[must_use]
    pub const fn new(name: &'static str, severity: Severity, cause: &'static str, fix: &'static str) -> Self {
        Self { name, severity, cause, fix }
    }
}

use Severity::{Error, Note, Warning};

/// What can be said while a package is read, in order of the names.
pub const READ_CODES: &[DiagnosticCode] = &[
    DiagnosticCode::new(
        "draft-not-listed",
        Warning,
        "The parent a draft names does not list it as a child, so nobody would see it once it is published.",
        "name the parent that has it, or delete the draft",
    ),
    DiagnosticCode::new(
        "draft-without-parent",
        Warning,
        "A draft says in parent_url where it belongs; without that, or where the course has no such block, it hangs nowhere.",
        "add the parent_url of a block of the course",
    ),
    DiagnosticCode::new(
        "duplicate-asset",
        Warning,
        "Folders and other characters of a static file's path become underscores in its key; two files that get the same key cannot both be kept.",
        "rename one of the files",
    ),
    DiagnosticCode::new(
        "duplicate-child",
        Warning,
        "A block can stand below its parent only once.",
        "delete the second mention",
    ),
    DiagnosticCode::new(
        "duplicate-name",
        Warning,
        "The url_name is the block's identity: learner state and links hang on it, so each may be used once for a type.",
        "give each block of a type a url_name of its own",
    ),
    DiagnosticCode::new(
        "ignored-file",
        Warning,
        "Files beside pages that end in .json set one field each and must be called NAME.FIELD.json.",
        "rename or delete the file",
    ),
    DiagnosticCode::new(
        "invalid-asset-record",
        Warning,
        "assets/assets.xml has an <asset> for each file something is said about, with its type and filename; times, numbers and fields must be such.",
        "correct the record, or delete it",
    ),
    DiagnosticCode::new(
        "invalid-content",
        Error,
        "The element is XML, but not what a block of its type can be made of.",
        "write what the message asks for",
    ),
    DiagnosticCode::new(
        "invalid-json",
        Error,
        "The file must hold JSON. A file that does not is ignored as a whole, with all settings in it.",
        "correct the JSON",
    ),
    DiagnosticCode::new(
        "invalid-name",
        Error,
        "Names become part of keys, which allow letters, digits and a few signs only.",
        "choose a name of letters, digits, underscores, hyphens and dots",
    ),
    DiagnosticCode::new(
        "invalid-policy",
        Error,
        "A policy file gives each block an object of settings; anything else is ignored.",
        "write {\"TYPE/NAME\": {\"SETTING\": VALUE}}",
    ),
    DiagnosticCode::new(
        "invalid-value",
        Error,
        "The field has a type, and the value is none of it: the platform fails when it reads the field.",
        "write a value of the field's type, or delete the attribute",
    ),
    DiagnosticCode::new(
        "invalid-xml",
        Error,
        "The file is not well-formed XML, so nothing in it can be read.",
        "correct the XML",
    ),
    DiagnosticCode::new(
        "missing-attribute",
        Error,
        "The root element names the course: org, course and url_name for a course, org and library for a library.",
        "add the attribute",
    ),
    DiagnosticCode::new(
        "missing-file",
        Error,
        "An element with nothing but a url_name points to the file TYPE/NAME.xml, and a filename attribute to its content; the file is not there.",
        "add the file, or delete the element that points to it",
    ),
    DiagnosticCode::new(
        "nested-too-deep",
        Error,
        "Blocks inside blocks beyond the limit mostly mean that a file points back to one above it.",
        "break the circle of pointers",
    ),
    DiagnosticCode::new(
        "no-name",
        Warning,
        "A block without a url_name is named by a digest of its content, so it becomes another block when the content changes.",
        "give it a url_name",
    ),
    DiagnosticCode::new(
        "not-a-block",
        Error,
        "Inside containers every element is a block; text and comments there break the platform's import.",
        "delete the text or comment",
    ),
    DiagnosticCode::new(
        "not-olx",
        Error,
        "A course has course.xml in its root folder, a library library.xml.",
        "name the folder that holds course.xml",
    ),
    DiagnosticCode::new("not-utf8", Error, "Courseware is read as UTF-8 only.", "save the file as UTF-8"),
    DiagnosticCode::new(
        "python-json",
        Warning,
        "NaN, Infinity and halves of surrogate pairs are no JSON, though Python reads them.",
        "write numbers and whole characters",
    ),
    DiagnosticCode::new(
        "stray-text",
        Warning,
        "Containers hold blocks only; text between blocks is never shown.",
        "put the text into an html block",
    ),
    DiagnosticCode::new(
        "too-large",
        Error,
        "What a file may hold has limits, so that none can use up the memory: its bytes, those of a text or an attribute, attributes, elements inside each other, and what entities make of it.",
        "divide what the file holds",
    ),
    DiagnosticCode::new(
        "unknown-attribute",
        Warning,
        "The block's type has no field of this name, and types in plain XBlock form keep nothing else.",
        "correct the name, or delete the attribute",
    ),
    DiagnosticCode::new(
        "unknown-type",
        Note,
        "No block of this type is installed here. It is kept as it is, and shown as a placeholder.",
        "nothing, where the platform the course runs on has the type",
    ),
    DiagnosticCode::new(
        "unreadable",
        Error,
        "The operating system or the archive refuses to give the file.",
        "check permissions, and that the archive is whole",
    ),
    DiagnosticCode::new(
        "wrong-root",
        Error,
        "course.xml holds a course element, library.xml a library element.",
        "correct the root element",
    ),
];

/// What can be said while a package is written, in order of the names.
pub const WRITE_CODES: &[DiagnosticCode] = &[
    DiagnosticCode::new(
        "asset-record-left-out",
        Warning,
        "What is said about a file holds characters no XML can have.",
        "save what is said about the file anew, without control characters",
    ),
    DiagnosticCode::new(
        "block-file-left-out",
        Error,
        "Files of single blocks go into the course's one folder of static files, where another file has this one's name and other bytes.",
        "rename one of the files, and what the block's text says of it",
    ),
    DiagnosticCode::new(
        "broken-data",
        Warning,
        "The block's text is no XML, so it cannot stand as an element and goes into a form that keeps it as text.",
        "correct the block's XML",
    ),
    DiagnosticCode::new(
        "cannot-be-read",
        Error,
        "The store holds it damaged, no longer has all of it, or has what its author wrote wrongly, so that the package is not all that the store has.",
        "correct its definition where the reason says that it is no XML; otherwise let `courseware fsck` say what is damaged; import the block again, or bring it back from a backup",
    ),
    DiagnosticCode::new(
        "circle",
        Warning,
        "A block is its own ancestor; a tree of files cannot say that.",
        "remove the block from among its own descendants",
    ),
    DiagnosticCode::new(
        "defaults-left-out",
        Warning,
        "Settings that a library gives to its copies have no place in a course's OLX.",
        "nothing; an import over the course keeps them, updating the library content brings them back elsewhere",
    ),
    DiagnosticCode::new(
        "draft-left-out",
        Warning,
        "Drafts are written for verticals of courses and what is in them only; a library's package has one state, what is published.",
        "publish the block before the export",
    ),
    DiagnosticCode::new(
        "inexact-value",
        Warning,
        "XML cannot hold every character, nor attributes every value.",
        "change the value",
    ),
    DiagnosticCode::new(
        "layout-has-meaning",
        Warning,
        "In the canonical layout this file would say something else, so that it was not formatted.",
        "nothing, or take away what depends on blanks",
    ),
    DiagnosticCode::new(
        "missing-child",
        Warning,
        "A block names a child that the store does not have.",
        "remove the child from its parent",
    ),
    DiagnosticCode::new(
        "name-too-long",
        Error,
        "A file system takes names of 255 bytes and paths of 4096, and this static file has more.",
        "export to a .tar.gz, which takes it, or give the file a shorter name",
    ),
    DiagnosticCode::new(
        "origin-not-kept",
        Warning,
        "The store cannot keep the files of the package beside its blocks, so that an export writes all of them anew.",
        "nothing, or import again once the reason given is gone",
    ),
    DiagnosticCode::new(
        "orphan-left-out",
        Warning,
        "No block has this one as a child, or none that is written: blocks that contain each other have no place in the tree of files.",
        "give it a parent, or delete it",
    ),
    DiagnosticCode::new(
        "path-taken",
        Error,
        "Two blocks would be written to the same file.",
        "rename one of the blocks",
    ),
    DiagnosticCode::new(
        "unit-settings",
        Warning,
        "In the form of libraries a unit keeps nothing but its name.",
        "nothing; set them again where the unit is used",
    ),
    DiagnosticCode::new(
        "unknown-field",
        Warning,
        "The stored block has a field its type does not declare, and OLX has no place for it.",
        "nothing, or install the version of the block that has the field",
    ),
];

/// Finds what a code of this crate stands for.
#[must_use]
pub fn diagnostic_code(name: &str) -> Option<&'static DiagnosticCode> {
    READ_CODES.iter().chain(WRITE_CODES).find(|code| code.name == name)
}

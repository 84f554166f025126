//! What the check can say beyond what reading a package and its problems says.

use blocks::PROBLEM_CODES;
use xblock_core::olx::{DiagnosticCode, READ_CODES, Severity, WRITE_CODES};

use Severity::{Error, Note, Warning};

macro_rules! codes {
    ($($constant:ident = $name:literal, $severity:ident, $cause:literal, $fix:literal;)*) => {
        $(pub(super) const $constant: DiagnosticCode = DiagnosticCode::new($name, $severity, $cause, $fix);)*

        /// What the check's own rules can say, in order of the names.
        pub(super) const CHECK_CODES: &[DiagnosticCode] = &[$($constant),*];
    };
}

codes! {
    ABSOLUTE_ASSET_LINK = "absolute-asset-link", Note,
        "The link names a static file by this course's key, so it leads back here from every copy and rerun of the course.",
        "write /static/NAME";
    BROKEN_JUMP = "broken-jump", Error,
        "The link leads to a block that the course does not have, and learners who follow it see that nothing is there.",
        "correct the name of the block, or remove the link";
    BROKEN_LIBRARY = "broken-python-lib", Error,
        "Scripts import modules from static/python_lib.zip; what is no ZIP archive gives them none.",
        "pack the modules into a ZIP archive anew";
    DANGLING_REFERENCE = "dangling-reference", Warning,
        "The block names another block that the course does not have, so the condition or group has no effect.",
        "correct the reference, or remove it";
    DATES_OUT_OF_ORDER = "dates-out-of-order", Warning,
        "What ends before it begins is never open to learners.",
        "correct one of the dates";
    DUPLICATE_KEY = "duplicate-key", Warning,
        "Of two equal keys in a JSON object the last one counts, and the first is lost.",
        "delete one of them";
    DUPLICATE_POINTER = "duplicate-pointer", Error,
        "The platform reads a block once for each pointer to it. Types with learner state get another name the second time, so that the pointer leads to no file; blocks of other types are one block in both places.",
        "give the second place a copy of the file with a url_name of its own, or delete one pointer";
    FOREIGN_LINK = "foreign-course-link", Note,
        "The link leads into another course, which not every learner of this one may see.",
        "nothing, where both courses are run together";
    ILLEGAL_FILE = "illegal-file", Error,
        "Packages hold files and folders with names in UTF-8, no deeper than 64 folders, and nothing outside of them. An import refuses a package with anything else.",
        "delete the entry, or give it another name or place";
    ILLEGAL_LINK = "illegal-link", Error,
        "A symbolic link may lead to a file or folder of the package only, and not round in a circle. An import refuses a package with any other.",
        "put the file itself in the link's place, or delete the link";
    INVALID_BOOLEAN = "invalid-boolean", Warning,
        "The setting is either true or false. The platform takes any other text for false and says nothing.",
        "write true or false";
    INVALID_CUTOFFS = "invalid-grade-cutoffs", Warning,
        "A grade begins at a part of all points between 0 and 1; one outside is reached by everybody or by nobody.",
        "write numbers between 0 and 1";
    INVALID_GRADING = "invalid-grading-policy", Error,
        "Grades are computed by this policy; one the platform cannot read leaves every learner without a grade.",
        "write {\"GRADER\": [{\"type\": .., \"min_count\": .., \"drop_count\": .., \"weight\": ..}], \"GRADE_CUTOFFS\": {..}}";
    INVALID_TAB = "invalid-tab", Error,
        "Each page of a course needs a type, and a page of its own text a name and the url_slug of its file.",
        "complete the entry in the policy's tabs";
    LINK_AS_TEXT = "link-as-text", Warning,
        "The file is a symbolic link whose target was written into it, as some checkouts and archives do. What it leads to is not in the package.",
        "put the file itself in its place";
    MISSING_ALT = "missing-alt", Warning,
        "Screen readers read an image's alt text; without one they read the name of the file, or nothing.",
        "describe the image in alt, or write alt=\"\" where it only decorates";
    MISSING_ASSET = "missing-asset", Warning,
        "The package has no such static file. Unless the place it is imported into has it already, learners see a broken image or link.",
        "add the file to static/, or correct the link";
    MISSING_CODE_FILE = "missing-code-file", Error,
        "The src of a script or answer names the static file with its code. Without that file the problem cannot be put together.",
        "add the file to static/, or correct the name; on edx-platform, which looks for such files where no store puts them, write the code into the element";
    MISSING_PYTHON_MODULE = "missing-python-module", Note,
        "The script imports a module that is neither in python_lib.zip nor among those known to be in the platform's sandbox.",
        "add the module to static/python_lib.zip, or have it installed in the sandbox";
    MISSING_TAB_PAGE = "missing-tab-page", Error,
        "The course lists a page whose file is not there, so learners who open it see an error.",
        "add tabs/SLUG.html, or remove the entry from the policy's tabs";
    MISSING_TITLE = "missing-frame-title", Note,
        "Screen readers announce an embedded page by its title.",
        "give the iframe a title";
    MISSING_TRANSCRIPT = "missing-transcript", Warning,
        "The video names a transcript that is not in static/, so its captions are missing after an import elsewhere.",
        "add the file to static/, or remove the transcript from the video";
    NO_STATIC_FILES = "no-static-files", Warning,
        "The package has no static files at all, though its pages name some. Unless the place it is imported into has them already, learners see broken images and links.",
        "export the course with its static folder";
    ORPHAN_FILE = "orphan-file", Warning,
        "Nothing in the course points to this file, so it is not imported and nobody sees it.",
        "point to it from a parent, or delete it";
    POLICY_WITHOUT_BLOCK = "policy-without-block", Warning,
        "The policy has settings for a block that the course does not have; they are lost.",
        "correct TYPE/NAME, or delete the settings";
    PYTHON_2 = "python2-script", Error,
        "The script is written for Python 2. Platforms since 2020 run Python 3, and show an error in place of the problem.",
        "rewrite it for Python 3, such as print(x) for print x";
    SCRIPT_MARKUP = "script-with-markup", Error,
        "A script ends where its first element begins; what stands after is not run. Comparison signs open elements where they are not escaped.",
        "put the script into a CDATA section";
    SCRIPT_SYNTAX = "script-syntax", Error,
        "The script is no Python, so the problem cannot be put together: learners see an error in its place.",
        "correct the script";
    UNDEFINED_VARIABLE = "undefined-variable", Warning,
        "A $NAME in an answer stands for what the problem's script calls so; without such a value it stays as it is, and no submission is right.",
        "give the variable a value in the script, or correct its name";
    UNKNOWN_ASSIGNMENT = "unknown-assignment-type", Warning,
        "The subsection is graded as an assignment type that the grading policy does not have, so it does not count.",
        "use the name of a type in the grading policy, or add the type there";
    UNKNOWN_CHECK_FUNCTION = "unknown-check-function", Warning,
        "No script of the problem defines the function its answers are checked with, so no submission can be graded.",
        "define the function, or correct its name in cfn";
    UNKNOWN_GROUP = "unknown-group", Warning,
        "The block is for a group of learners that the course does not define, so no learner sees it.",
        "define the group in the course's user_partitions, or correct group_access";
    UNKNOWN_SETTING = "unknown-setting", Note,
        "The block's type has no field of this name; the setting is kept and has no effect.",
        "delete it, unless another program reads it";
    UNKNOWN_TAB = "unknown-tab-type", Note,
        "No page of this type is part of the platform itself; without the plugin that adds it the entry is passed over.",
        "correct the type, unless a plugin has it";
    UNLISTED_VALUE = "unlisted-value", Warning,
        "The field takes one of a few values, or a number between limits; the platform treats any other as if it were none of them.",
        "write one of the values, or a number within the limits";
    UNUSED_ASSET = "unused-asset", Note,
        "Nothing in the course names this static file.",
        "delete it, unless it is linked from elsewhere";
    UNUSED_ASSIGNMENT = "unused-assignment-type", Note,
        "The grading policy has an assignment type that no subsection is graded as, so its share of the grade cannot be earned.",
        "grade a subsection as it, or remove it";
    UNREAD_CODE = "unread-code", Warning,
        "No code of authors is read from there: folders beside a course are on no platform's search path any more, and of src and text of one element only one counts.",
        "put modules into static/python_lib.zip, and code in one place only";
    UNREPLACED_LINK = "unreplaced-link", Warning,
        "The platform makes addresses that begin with /static/, /jump_to_id/ or /course/ real where a quotation mark stands before them, and nowhere else. Here it stays as it is, and leads nowhere.",
        "write the address by itself between quotation marks, such as href=\"/static/NAME\" or url('/static/NAME')";
    VIDEO_WITHOUT_SOURCE = "video-without-source", Warning,
        "The video says nowhere what to play.",
        "give it a YouTube id, an address or a video id";
    VIDEO_WITHOUT_TRANSCRIPT = "video-without-transcript", Note,
        "Learners who do not hear the video, or not its language, need a transcript.",
        "add one";
    WEIGHTS_OFF = "weights-not-one", Warning,
        "The shares of the assignment types do not add up to the whole grade.",
        "make the weights add up to 1";
}

/// Lists all codes a check can report, in order of the names.
#[must_use]
pub fn diagnostic_codes() -> Vec<&'static DiagnosticCode> {
    let mut codes: Vec<_> =
        [READ_CODES, WRITE_CODES, PROBLEM_CODES, CHECK_CODES].into_iter().flatten().collect();
    codes.sort_by_key(|code| code.name);
    codes
}

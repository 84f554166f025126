//! The settings that flow down the course tree.
use std::sync::LazyLock;

use crate::fields::scope::Scope;
use crate::fields::spec::{FieldSpec, Values};
use crate::fields::table::FieldTable;
use crate::fields::types::FieldType;

/// Tells whether a block that has no value of its own for this name takes that of its nearest ancestor.
#[must_use]
pub fn is_inheritable(name: &str) -> bool {
    static NAMES: LazyLock<FieldTable> = LazyLock::new(|| FieldTable::new(INHERITABLE.iter().copied()));
    NAMES.position(name).is_some()
}

/// The settings that flow down the course tree, in alphabetical order.
///
/// Every block has them all. A value that comes from an ancestor is never set on the block and never exported.
pub static INHERITABLE: &[FieldSpec] = &[
    FieldSpec::new("course_edit_method", FieldType::String, Scope::Settings)
        .default("\"Studio\"")
        .display_name("Course Editor")
        .help("How the course is edited.")
        .deprecated(),
    FieldSpec::new("days_early_for_beta", FieldType::Float, Scope::Settings)
        .display_name("Days Early for Beta Users")
        .help("How many days before everybody else beta testers may enter."),
    FieldSpec::new("due", FieldType::Date, Scope::Settings).help("When the work is due."),
    FieldSpec::new("edxnotes", FieldType::Boolean, Scope::Settings)
        .default("false")
        .display_name("Enable Student Notes")
        .help("Whether learners can annotate text."),
    FieldSpec::new("edxnotes_visibility", FieldType::Boolean, Scope::UserInfo)
        .default("true")
        .display_name("Student Notes Visibility")
        .help("Whether a learner's notes are shown."),
    FieldSpec::new("giturl", FieldType::String, Scope::Settings)
        .display_name("GIT URL")
        .help("Where the files of the course are kept."),
    FieldSpec::new("graceperiod", FieldType::Timedelta, Scope::Settings)
        .help("How long after the due date work is still accepted."),
    FieldSpec::new("graded", FieldType::Boolean, Scope::Settings)
        .default("false")
        .help("Whether the block counts towards the grade."),
    FieldSpec::new("group_access", FieldType::Dict, Scope::Settings)
        .default("{}")
        .help("Which groups of which partition may see the block."),
    FieldSpec::new("hide_from_toc", FieldType::Boolean, Scope::Settings)
        .default("false")
        .display_name("Hide from Table of Contents")
        .help("Whether the block is left out of the table of contents."),
    FieldSpec::new("in_entrance_exam", FieldType::Boolean, Scope::Settings)
        .default("false")
        .display_name("Tag this module as part of an Entrance Exam section")
        .help("Whether the block is part of the entrance exam."),
    FieldSpec::new("matlab_api_key", FieldType::String, Scope::Settings)
        .display_name("Matlab API key")
        .help("The key of the hosted Matlab service."),
    FieldSpec::new("max_attempts", FieldType::Integer, Scope::Settings)
        .values(Values::Range { min: Some(0.0), max: None, step: None })
        .display_name("Maximum Attempts")
        .help("How often a learner may answer a problem."),
    FieldSpec::new("relative_weeks_due", FieldType::Integer, Scope::Settings)
        .display_name("Number of Relative Weeks Due By")
        .help("How many weeks after a learner's start the work is due."),
    FieldSpec::new("rerandomize", FieldType::String, Scope::Settings)
        .default("\"never\"")
        .display_name("Randomization")
        .help("When the numbers of a problem are drawn anew."),
    FieldSpec::new("self_paced", FieldType::Boolean, Scope::Settings)
        .default("false")
        .display_name("Self Paced")
        .help("Whether learners set their own pace."),
    FieldSpec::new("show_correctness", FieldType::String, Scope::Settings)
        .default("\"always\"")
        .display_name("Show Results")
        .help("When learners see whether their answers are right."),
    FieldSpec::new("show_reset_button", FieldType::Boolean, Scope::Settings)
        .default("false")
        .display_name("Show Reset Button for Problems")
        .help("Whether problems can be reset by the learner."),
    FieldSpec::new("showanswer", FieldType::String, Scope::Settings)
        .default("\"finished\"")
        .display_name("Show Answer")
        .help("When the answer of a problem is shown."),
    FieldSpec::new("start", FieldType::Date, Scope::Settings)
        .default("\"2030-01-01T00:00:00Z\"")
        .help("When the block opens."),
    FieldSpec::new("static_asset_path", FieldType::String, Scope::Settings)
        .default("\"\"")
        .display_name("Static Asset Path")
        .help("The folder static files are served from when they were not imported."),
    FieldSpec::new("use_latex_compiler", FieldType::Boolean, Scope::Settings)
        .default("false")
        .display_name("Enable LaTeX Compiler")
        .help("Whether the editor offers the LaTeX compiler."),
    FieldSpec::new("user_partitions", FieldType::UserPartitionList, Scope::Settings)
        .default("[]")
        .display_name("Group Configurations")
        .help("The ways learners of the course are divided into groups."),
    FieldSpec::new("video_auto_advance", FieldType::Boolean, Scope::Settings)
        .default("false")
        .display_name("Enable video auto-advance")
        .help("Whether the next unit opens when a video ends."),
    FieldSpec::new("video_bumper", FieldType::Dict, Scope::Settings)
        .display_name("Video Pre-Roll")
        .help("The video shown before others."),
    FieldSpec::new("video_speed_optimizations", FieldType::Boolean, Scope::Settings)
        .default("true")
        .display_name("Enable video caching system")
        .help("Whether videos come from a nearby server."),
    FieldSpec::new("visible_to_staff_only", FieldType::Boolean, Scope::Settings)
        .default("false")
        .help("Whether only staff see the block, whatever its release date."),
    FieldSpec::new("xqa_key", FieldType::String, Scope::Settings)
        .display_name("XQA Key")
        .help("The key of the problem review service; unused.")
        .deprecated(),
];

//! The fields the learning management system gives every block.
use crate::fields::scope::Scope;
use crate::fields::spec::FieldSpec;
use crate::fields::types::FieldType;

/// How a block is shown in the course, and to whom.
pub static LMS_FIELDS: &[FieldSpec] = &[
    FieldSpec::new("chrome", FieldType::String, Scope::Settings).display_name("Course Chrome").help(
        "Which parts of the courseware page are shown: chromeless, tabs, accordion, or tabs,accordion.",
    ),
    FieldSpec::new("default_tab", FieldType::String, Scope::Settings)
        .display_name("Default Tab")
        .help("The tab that is selected when this block is shown."),
    FieldSpec::new("format", FieldType::String, Scope::Settings)
        .help("The kind of assignment this block counts as when graded."),
    FieldSpec::new("group_access", FieldType::GroupAccessDict, Scope::Settings)
        .default("{}")
        .help("Which groups of which partition may see the block; a partition not named restricts nobody."),
    FieldSpec::new("hide_from_toc", FieldType::Boolean, Scope::Settings)
        .default("false")
        .help("Whether the block is left out of the table of contents."),
    FieldSpec::new("source_file", FieldType::String, Scope::Settings)
        .display_name("LaTeX Source File Name")
        .help("The LaTeX file the block was made from.")
        .deprecated(),
    FieldSpec::new("user_partitions", FieldType::UserPartitionList, Scope::Settings)
        .default("[]")
        .help("The ways learners of the course are divided into groups."),
    FieldSpec::new("visible_to_staff_only", FieldType::Boolean, Scope::Settings)
        .default("false")
        .help("Whether only staff see the block, whatever its release date."),
];

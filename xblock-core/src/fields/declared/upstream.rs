//! The fields that tie a block in a course to the library block it was made from.
use crate::fields::scope::Scope;
use crate::fields::spec::FieldSpec;
use crate::fields::types::FieldType;

/// The link to a library block, and what was changed or declined since.
pub static UPSTREAM_FIELDS: &[FieldSpec] = &[
    FieldSpec::new("upstream", FieldType::String, Scope::Settings)
        .help("The usage key of the library block this block was made from.")
        .hidden()
        .enforce_type(),
    FieldSpec::new("upstream_version", FieldType::Integer, Scope::Settings)
        .help("The version of the library block this block was last synchronised with.")
        .hidden()
        .enforce_type(),
    FieldSpec::new("upstream_version_declined", FieldType::Integer, Scope::Settings)
        .help("The newest version of the library block an author declined.")
        .hidden()
        .enforce_type(),
    FieldSpec::new("upstream_display_name", FieldType::String, Scope::Settings)
        .help("The display name of the library block when last synchronised.")
        .hidden()
        .enforce_type(),
    FieldSpec::new("downstream_customized", FieldType::List, Scope::Settings)
        .help("The names of fields an author changed, which synchronising leaves alone.")
        .hidden()
        .enforce_type(),
    FieldSpec::new("top_level_downstream_parent_key", FieldType::String, Scope::Settings)
        .help("The key of the topmost block that was added together with this one.")
        .hidden()
        .enforce_type(),
];

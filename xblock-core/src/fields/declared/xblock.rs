//! The fields XBlock gives every block.
use crate::fields::scope::Scope;
use crate::fields::spec::FieldSpec;
use crate::fields::types::FieldType;

/// `name`, `parent` and `tags`.
pub static XBLOCK_FIELDS: &[FieldSpec] = &[
    FieldSpec::new("name", FieldType::String, Scope::Settings).help("A short name of the block."),
    FieldSpec::new("parent", FieldType::Reference, Scope::Parent).help("The usage key of the parent."),
    FieldSpec::new("tags", FieldType::List, Scope::Settings).help("Words the block is filed under."),
];

/// `children`, which exactly the blocks that may have some have.
pub static CHILDREN_FIELDS: &[FieldSpec] =
    &[FieldSpec::new("children", FieldType::ReferenceList, Scope::Children)
        .help("The usage keys of the children.")];

//! The field the platform gives every block besides its settings.
use crate::fields::scope::Scope;
use crate::fields::spec::FieldSpec;
use crate::fields::types::FieldType;

/// `display_name`, which most block types declare anew with a default of their own.
pub static XMODULE_FIELDS: &[FieldSpec] =
    &[FieldSpec::new("display_name", FieldType::String, Scope::Settings)
        .display_name("Display Name")
        .help("The name learners see for this component.")];

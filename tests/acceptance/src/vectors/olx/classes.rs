//! The registry the import vectors ran with: the real types and one test class.

use xblock_core::block::{BlockClass, BlockContext, BlockError, Registry, XBlock};
use xblock_core::fields::{BlockFields, FieldSpec, FieldType, Scope};
use xblock_core::fragment::Fragment;

struct Idle(BlockFields);

impl XBlock for Idle {
    fn fields(&self) -> &BlockFields {
        &self.0
    }

    fn view(&self, name: &str, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Err(BlockError::NoSuchView { view: name.to_owned() })
    }
}

static PURE_FIELDS: &[FieldSpec] = &[
    FieldSpec::new("content", FieldType::String, Scope::Content).default("\"\""),
    FieldSpec::new("display_name", FieldType::String, Scope::Settings).default("\"Pure\""),
    FieldSpec::new("limit", FieldType::Integer, Scope::Settings).default("1"),
    FieldSpec::new("opts", FieldType::List, Scope::Settings).default("[]"),
];

static PURE: BlockClass =
    BlockClass { fields: PURE_FIELDS, ..BlockClass::new("pure", |fields| Box::new(Idle(fields))) };

/// Returns the registry of the import vectors.
pub(super) fn import_registry() -> Result<Registry, String> {
    let known = blocks::registry().map_err(|error| error.to_string())?;
    let mut builder = Registry::builder(known.block_type("a type nobody has").class).class(&PURE);
    for block_type in known.types().filter(|t| &*t.name == t.class.block_type) {
        builder = builder.class(block_type.class);
    }
    builder.build().map_err(|error| error.to_string())
}

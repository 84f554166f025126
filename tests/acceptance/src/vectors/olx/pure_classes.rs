//! The classes the plain vectors ran with; their index describes them.

use xblock_core::block::{BlockClass, BlockContext, BlockError, Registry, XBlock};
use xblock_core::fields::{BlockFields, CHILDREN_FIELDS, FieldSpec, FieldType, Scope};
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

// XBlock lists a class's fields in the order of their names.
static LEAF: &[FieldSpec] = &[
    FieldSpec::new("anyv", FieldType::Any, Scope::Settings),
    FieldSpec::new("content", FieldType::String, Scope::Content).default("\"\""),
    FieldSpec::new("count", FieldType::Integer, Scope::Settings).default("1"),
    FieldSpec::new("dur", FieldType::RelativeTime, Scope::Settings).default("\"00:00:00\""),
    FieldSpec::new("flag", FieldType::Boolean, Scope::Settings).default("false"),
    FieldSpec::new("forced", FieldType::Integer, Scope::Settings).default("7").force_export(),
    FieldSpec::new("items", FieldType::List, Scope::Content).default("[]"),
    FieldSpec::new("lst_node", FieldType::List, Scope::Settings).default("[]").xml_node(),
    FieldSpec::new("map", FieldType::Dict, Scope::Content).default("{}"),
    FieldSpec::new("note", FieldType::String, Scope::Settings).default("\"n\"").xml_node(),
    FieldSpec::new("ratio", FieldType::Float, Scope::Settings),
    FieldSpec::new("ref", FieldType::Reference, Scope::Settings),
    FieldSpec::new("state", FieldType::Integer, Scope::UserState).default("0"),
    FieldSpec::new("title", FieldType::String, Scope::Settings).default("\"T\""),
    FieldSpec::new("when", FieldType::Date, Scope::Settings),
];
static PLAIN: &[FieldSpec] = &[FieldSpec::new("title", FieldType::String, Scope::Settings).default("\"T\"")];
static BOX: &[FieldSpec] =
    &[CHILDREN_FIELDS[0], FieldSpec::new("title", FieldType::String, Scope::Settings).default("\"Box\"")];
static SET_CONTENT: &[FieldSpec] =
    &[FieldSpec::new("content", FieldType::String, Scope::Settings).default("\"\"")];
static TEST_ASIDE: &[FieldSpec] = &[
    FieldSpec::new("n", FieldType::Integer, Scope::Settings).default("0"),
    FieldSpec::new("note", FieldType::String, Scope::Content).default("\"\""),
];

static CLASSES: [BlockClass; 5] = [
    class("leaf", LEAF, false),
    class("plain", PLAIN, false),
    class("box", BOX, true),
    class("setcontent", SET_CONTENT, false),
    class("testaside", TEST_ASIDE, false),
];
static UNKNOWN: BlockClass = class("unknown", &[], false);

const fn class(block_type: &'static str, fields: &'static [FieldSpec], has_children: bool) -> BlockClass {
    BlockClass { fields, has_children, ..BlockClass::new(block_type, |fields| Box::new(Idle(fields))) }
}

/// Returns the registry of the plain vectors: bare XBlocks.
pub(super) fn pure_registry() -> Result<Registry, String> {
    let builder = Registry::builder(&UNKNOWN).mixins(&[]);
    CLASSES
        .iter()
        .fold(builder, |builder, class| builder.class(class))
        .build()
        .map_err(|error| error.to_string())
}

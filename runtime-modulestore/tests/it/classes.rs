//! Block types whose fields have stored forms of their own; what a block does is no matter here.

use xblock_core::block::{
    BlockClass, BlockContext, BlockError, CompletionMode, HandlerRequest, HandlerResponse, Registry, XBlock,
};
use xblock_core::fields::{BlockFields, FieldSpec, FieldType, Scope};
use xblock_core::fragment::Fragment;
use xblock_core::olx::RawOlx;

struct Mute(BlockFields);

impl XBlock for Mute {
    fn fields(&self) -> &BlockFields {
        &self.0
    }

    fn view(&self, name: &str, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Err(BlockError::NoSuchView { view: name.into() })
    }

    fn handle(
        &self,
        name: &str,
        _: &HandlerRequest,
        _: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        Err(BlockError::NoSuchHandler { handler: name.into() })
    }
}

const fn class(block_type: &'static str, fields: &'static [FieldSpec]) -> BlockClass {
    BlockClass {
        fields,
        has_children: true,
        completion_mode: CompletionMode::Aggregator,
        olx: &RawOlx,
        ..BlockClass::new(block_type, |fields| Box::new(Mute(fields)))
    }
}

static PLACEHOLDER: BlockClass = class("placeholder", &[]);
static CONDITIONAL: BlockClass = class(
    "conditional",
    &[
        FieldSpec::new("sources_list", FieldType::ReferenceList, Scope::Content),
        FieldSpec::new("show_tag_list", FieldType::ReferenceList, Scope::Content),
        FieldSpec::new("first", FieldType::Reference, Scope::Settings),
        FieldSpec::new("seen_on", FieldType::DateTime, Scope::Settings),
    ],
);
static SPLIT_TEST: BlockClass = class(
    "split_test",
    &[FieldSpec::new("group_id_to_child", FieldType::ReferenceValueDict, Scope::Content)],
);

/// The types of these tests; every type has the platform's mixed-in fields, among them the dates `start` and `due`.
pub(crate) fn registry() -> Registry {
    Registry::builder(&PLACEHOLDER)
        .class(&CONDITIONAL)
        .class(&SPLIT_TEST)
        .build()
        .expect("every type is registered once")
}

//! Block types in the forms definition files have; what a block does is no matter here.
//!
//! Used by the tests and the benchmarks.

use xblock_core::block::{
    BlockClass, BlockContext, BlockError, CompletionMode, HandlerRequest, HandlerResponse, Registry, XBlock,
};
use xblock_core::fields::{BlockFields, FieldSpec, FieldType, Scope};
use xblock_core::fragment::Fragment;
use xblock_core::olx::{DefinitionForm, Element, OlxConvention, OlxError, PlainOlx, RawOlx, Reading};
use xblock_core::runtime::BlockData;

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

/// Markup in the body, as html has it.
struct Markup;

impl OlxConvention for Markup {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        RawOlx.read(element, reading)
    }

    fn definition_form(&self) -> DefinitionForm {
        DefinitionForm::Markup
    }
}

const DATA: &[FieldSpec] = &[FieldSpec::new("data", FieldType::String, Scope::Content)];

const fn class(
    block_type: &'static str,
    fields: &'static [FieldSpec],
    olx: &'static dyn OlxConvention,
) -> BlockClass {
    BlockClass {
        fields,
        has_children: true,
        completion_mode: CompletionMode::Aggregator,
        olx,
        ..BlockClass::new(block_type, |fields| Box::new(Mute(fields)))
    }
}

static PLACEHOLDER: BlockClass = class("placeholder", DATA, &RawOlx);
static HTML: BlockClass = class("html", DATA, &Markup);
static PROBLEM: BlockClass = class("problem", DATA, &RawOlx);
static COURSE: BlockClass = class("course", &[], &PlainOlx);
static CHAPTER: BlockClass = class("chapter", &[], &PlainOlx);
static SEQUENTIAL: BlockClass = class("sequential", &[], &PlainOlx);
static VERTICAL: BlockClass = class("vertical", &[], &PlainOlx);
static UNIT: BlockClass = class("unit", &[], &PlainOlx);

/// The types of these tests; every type has the platform's mixed-in fields.
pub(crate) fn registry() -> Registry {
    [&HTML, &PROBLEM, &COURSE, &CHAPTER, &SEQUENTIAL, &VERTICAL, &UNIT]
        .into_iter()
        .fold(Registry::builder(&PLACEHOLDER), |registry, class| registry.class(class))
        .build()
        .expect("every type is registered once")
}

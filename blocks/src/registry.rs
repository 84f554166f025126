//! All block types of this crate in one registry.

use xblock_core::block::{BlockClass, Registry, RegistryBuilder, RegistryError};

use crate::{
    AboutBlock, AnnotatableBlock, ChapterBlock, ConditionalBlock, CourseBlock, CourseInfoBlock,
    CustomTagBlock, CustomTagTemplateBlock, DiscussionBlock, ErrorBlock, HiddenBlock, HtmlBlock,
    ItemBankBlock, LibraryBlock, LibraryContentBlock, LtiBlock, PdfBlock, PollQuestionBlock, ProblemBlock,
    RandomizeBlock, RawBlock, SequentialBlock, SplitTestBlock, StaticTabBlock, UnknownBlock, VerticalBlock,
    VideoBlock, WordCloudBlock, WrapperBlock,
};

/// Every class of this crate, in order of their names.
const CLASSES: &[&BlockClass] = &[
    AboutBlock::CLASS,
    AnnotatableBlock::CLASS,
    ChapterBlock::CLASS,
    ConditionalBlock::CLASS,
    CourseBlock::CLASS,
    CourseInfoBlock::CLASS,
    CustomTagBlock::CLASS,
    CustomTagTemplateBlock::CLASS,
    DiscussionBlock::CLASS,
    ErrorBlock::CLASS,
    HiddenBlock::CLASS,
    HtmlBlock::CLASS,
    ItemBankBlock::CLASS,
    LibraryBlock::CLASS,
    LibraryContentBlock::CLASS,
    LtiBlock::CLASS,
    PdfBlock::CLASS,
    PollQuestionBlock::CLASS,
    ProblemBlock::CLASS,
    RandomizeBlock::CLASS,
    RawBlock::CLASS,
    SequentialBlock::CLASS,
    SplitTestBlock::CLASS,
    StaticTabBlock::CLASS,
    VerticalBlock::CLASS,
    VideoBlock::CLASS,
    WordCloudBlock::CLASS,
    WrapperBlock::CLASS,
];

/// Returns the registry of all block types of this crate; any other type gets [`UnknownBlock`].
///
/// # Errors
/// [`RegistryError::Ambiguous`] where two classes claimed the same type.
///
/// ```
/// let registry = blocks::registry()?;
/// assert!(registry.block_type("problemset").is_known);
/// assert!(!registry.block_type("recommender").is_known);
/// # Ok::<(), xblock_core::block::RegistryError>(())
/// ```
pub fn registry() -> Result<Registry, RegistryError> {
    registry_builder().build()
}

/// Begins a registry with all block types of this crate, for more to be added.
///
/// ```
/// use xblock_core::block::XBlock;
/// use xblock_core::fields::BlockFields;
///
/// /// Says nothing yet.
/// #[derive(XBlock)]
/// #[xblock(type = "my_block")]
/// struct MyBlock {
///     fields: BlockFields,
/// }
///
/// let registry = blocks::registry_builder().class(MyBlock::CLASS).build()?;
/// assert!(registry.block_type("my_block").is_known && registry.block_type("html").is_known);
/// # Ok::<(), xblock_core::block::RegistryError>(())
/// ```
#[must_use]
pub fn registry_builder() -> RegistryBuilder {
    CLASSES.iter().fold(Registry::builder(UnknownBlock::CLASS), |builder, class| builder.class(class))
}

//! All block types of this crate in one registry.

use xblock_core::block::{BlockClass, Registry, RegistryError};

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
    CLASSES.iter().fold(Registry::builder(UnknownBlock::CLASS), |builder, class| builder.class(class)).build()
}

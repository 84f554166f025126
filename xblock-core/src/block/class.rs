//! What a block type declares once, for every block of it.

use crate::fields::{BlockFields, FieldSpec};
use crate::olx::{OlxConvention, PlainOlx};
use crate::services::DeclaredServices;

use super::xblock::XBlock;

/// How a block counts towards completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CompletionMode {
    /// It is completed by itself.
    #[default]
    Completable,
    /// It is complete when its children are.
    Aggregator,
    /// It does not count.
    Excluded,
}

impl CompletionMode {
    /// Returns XBlock's own word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completable => "completable",
            Self::Aggregator => "aggregator",
            Self::Excluded => "excluded",
        }
    }
}

/// The declaration of a block type.
pub struct BlockClass {
    /// The type's name: its OLX tag and its entry point in group `xblock.v1`.
    pub block_type: &'static str,
    /// Other names under which the same class is registered.
    pub aliases: &'static [&'static str],
    /// Its own fields, in the order in which XBlock lists them.
    pub fields: &'static [FieldSpec],
    /// Whether its blocks can have children.
    pub has_children: bool,
    /// Whether its blocks are scored.
    pub has_score: bool,
    /// Whether its blocks live outside the course tree (about, static_tab, course_info).
    pub detached: bool,
    /// How it counts towards completion.
    pub completion_mode: CompletionMode,
    /// Whether its blocks report their completion themselves.
    pub has_custom_completion: bool,
    /// Name of its icon: `video`, `problem`, `other` ...
    pub icon_class: &'static str,
    /// Names of the views its blocks are known to have, for hosts that look before they call.
    pub views: &'static [&'static str],
    /// Names of the handlers its blocks answer to, for hosts that look before they call.
    pub handlers: &'static [&'static str],
    /// The services its blocks ask for.
    pub services: DeclaredServices,
    /// The key under which an operator keeps settings for the class: XBlock's `block_settings_key`, else the name of the
    /// class.
    pub settings_key: &'static str,
    /// How its blocks are read from OLX and written to it.
    pub olx: &'static dyn OlxConvention,
    /// Makes a block from its fields.
    pub create: fn(BlockFields) -> Box<dyn XBlock>,
}

impl BlockClass {
    /// Declares a class with nothing but a type and a way to make its blocks; the rest is what most blocks have.
    ///
    /// ```
    /// # use xblock_core::block::{BlockClass, BlockContext, BlockError, XBlock};
    /// # use xblock_core::fields::BlockFields;
    /// # use xblock_core::fragment::Fragment;
    /// # struct Note(BlockFields);
    /// # impl XBlock for Note {
    /// #     fn fields(&self) -> &BlockFields { &self.0 }
    /// #     fn view(&self, _: &str, _: &dyn BlockContext) -> Result<Fragment, BlockError> { Ok(Fragment::new("")) }
    /// # }
    /// static NOTE: BlockClass =
    ///     BlockClass { icon_class: "other", ..BlockClass::new("note", |fields| Box::new(Note(fields))) };
    /// assert!(!NOTE.has_children);
    /// ```
    #[must_use]
    pub const fn new(block_type: &'static str, create: fn(BlockFields) -> Box<dyn XBlock>) -> Self {
        Self {
            block_type,
            aliases: &[],
            fields: &[],
            has_children: false,
            has_score: false,
            detached: false,
            completion_mode: CompletionMode::Completable,
            has_custom_completion: false,
            icon_class: "other",
            views: &[],
            handlers: &[],
            services: DeclaredServices::NONE,
            settings_key: block_type,
            olx: &PlainOlx,
            create,
        }
    }
}

//! The ways in which a type's own content stands in its definition file.

/// How a block type is read from a definition file and written to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DefinitionForm {
    /// By the rules of base XBlock code: attributes, option elements, text; children as includes.
    #[default]
    Plain,
    /// The body is the markup of the field `data`; attributes are read as base XBlock code reads them.
    Markup,
    /// The whole element is the field `data`; attributes are read as base XBlock code reads them.
    WholeElement,
    /// By the rules of base XBlock code, which leave the field `data` alone; only a file that `xblock-data` says so of is
    /// that field.
    Attributes,
    /// By the type's own code, which takes attribute values for JSON before it takes them for text.
    Own,
}

//! Opaque keys: the identities of learning contexts, usages, definitions and assets.
//!
//! The texts, the rules and the oddities are those of the Python packages `edx-opaque-keys` 4.0 and `edx-ccx-keys` 2.1: what
//! they read, refuse, write and take for equal, is the same here.
//!
//! * A key is a value of a type of its own, cheap to clone, hash and compare. No public function of the workspace takes a
//!   key as text.
//! * Identity is namespace, old form or new, and the parts; not the text. `o/c/r` and `course-v1:o+c+r` differ, and a key of
//!   the old form may hold a run or branch that its text does not show.
//! * Some keys have no text (an old-style course without a run, as in every `i4x://` key): `to_text` and serde fail for them,
//!   `Display` shows what there is.
//! * A key of a course or modulestore library, and what lies in it, may name a branch and a version. Where keys with and
//!   without must not be mixed (learner state, tables of contexts), ask for [`Plain`]: the type has neither.
//! * `Ord` is a total order, good for sorted maps; Python's own order, which is only partial, is [`python::python_cmp`].
//! * The keys a [`KeyRegistry`] reads can be extended by plugins ([`KeyNamespace`]); nothing is registered globally.

mod any;
mod aside;
mod asset;
mod block_type;
mod block_usage;
mod ccx;
mod charset;
mod class;
mod clean;
mod collection;
mod context;
mod course;
mod definition;
mod error;
mod library;
mod object_id;
mod plain;
mod plugin;
pub mod python;
mod recent;
mod registry;
mod scalar;
mod scan;
mod text;
mod unicode;
mod usage;
mod within;

pub use any::AnyKey;
pub use aside::{AsideDefinitionKey, AsideUsageKey, AsideVersion};
pub use asset::AssetKey;
pub use block_type::BlockTypeKey;
pub use block_usage::{BlockNamespace, BlockUsageKey};
pub use ccx::CcxKey;
pub use charset::{is_decimal, is_digit, is_word};
pub use class::{KeyClass, KeyFamily, KeyKind};
pub use clean::{clean, clean_asset_name, clean_for_html, clean_for_url_name, clean_keeping_underscores};
pub use collection::{CollectionKey, ContainerKey};
pub use context::ContextKey;
pub use course::CourseKey;
pub use definition::{BundleDefinitionKey, BundleState, DefinitionKey, SplitDefinitionKey};
pub use error::KeyError;
pub use library::{LibraryKey, LibraryKeyV2};
pub use object_id::ObjectId;
pub use plain::{Plain, Versioned};
pub use plugin::{KeyNamespace, PluginKey};
pub use registry::KeyRegistry;
pub use scalar::{Integer, LocalId, Scalar};
pub use smol_str::SmolStr;
pub use usage::{LibraryUsageKeyV2, UsageKey};
pub(crate) use within::Within;

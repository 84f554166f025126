//! What a host offers to blocks: services declared by blocks, asked for by type and known by name.
//!
//! A class says which services its blocks need and want (`#[xblock(needs(..), wants(..))]`); a block asks its context
//! with [`need`](trait@crate::block::BlockContext#method.need) and [`want`](trait@crate::block::BlockContext#method.want);
//! a host offers a [`ServiceSet`]. The rules are those of the xblock reference, section 10: what was not declared is not
//! given, what is needed and missing is an error before the block works, what is wanted and missing is nothing.
//!
//! | name | trait | what it does | also here |
//! |---|---|---|---|
//! | `user` | [`UserService`] | who the learner is | [`CurrentUser`] |
//! | `i18n` | [`I18nService`] | texts and times in the learner's language | [`NullI18n`], [`CatalogueI18n`] |
//! | `settings` | [`SettingsService`] | what the operator set for a class | [`FixedSettings`] |
//! | `completion` | [`CompletionService`] | how far learners are | [`MemoryCompletion`] |
//! | `sandbox` | [`SandboxService`] | runs code of authors | [`CachedSandbox`], [`NoSandbox`] |
//! | `replace_urls` | [`ReplaceUrlsService`] | makes addresses of authors real | |
//! | `cache` | [`CacheService`] | values that may be lost | [`MemoryCache`] |
//! | `xqueue` | [`XQueueService`] | external graders | [`MemoryXQueue`] |
//! | `external_grader` | [`ExternalGraderService`] | external graders that answer at once | |
//! | `publish` | [`PublishService`] | what blocks tell the world | [`MemoryEvents`] |
//! | `field-data` | [`FieldData`](crate::fields::FieldData) | where fields come from | |

mod cache;
mod catalogue;
mod completion;
mod external_grader;
mod field_data;
mod i18n;
mod publish;
mod replace_urls;
mod sandbox;
mod sandbox_cache;
mod service;
mod settings;
mod strftime;
mod user;
mod xqueue;

pub use cache::{CacheService, MemoryCache};
pub use catalogue::{Catalogue, CatalogueError};
pub use completion::{CompletionService, MemoryCompletion};
pub use external_grader::ExternalGraderService;
pub use i18n::{CatalogueI18n, I18nService, NullI18n};
pub use publish::{MemoryEvents, PublishService};
pub use replace_urls::{ReplaceUrlsService, replace_addresses};
pub use sandbox::{
    Globals, NoSandbox, SandboxError, SandboxJob, SandboxLimits, SandboxResource, SandboxService,
};
pub use sandbox_cache::CachedSandbox;
pub use service::{AnyService, DeclaredServices, Demand, Service, ServiceError, ServiceRequest, ServiceSet};
pub use settings::{FixedSettings, SettingsService};
pub(crate) use user::current_user;
pub use user::{CurrentUser, UserAttribute, UserService, XBlockUser};
pub use xqueue::{MemoryXQueue, XQueueService, XQueueSubmission};

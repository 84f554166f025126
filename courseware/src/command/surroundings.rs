//! What every subcommand works with: the clock, the block types, the stores.

use std::path::Path;
use std::sync::Arc;

use courseware::{AuthorCode, OpenMode, ScriptEngine, StoreUrl, SystemClock};
use runtime_blockstore::{Blockstore, BlockstoreRuntime};
use runtime_modulestore::{DumpCounts, ModulestoreRuntime, OnDamage};
use xblock_core::block::{Registry, User};
use xblock_core::clock::Clock;
use xblock_core::host::{Host, PathUrls};
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{Branch, Runtime, RuntimeExt as _};
use xblock_core::services::{CacheService, MemoryCache, SandboxService, ServiceSet};

use super::arguments::LearnerArguments;
use super::console::Console;
use super::exit::CommandError;

/// The machine's clock, the block types of this build, and where scripts run.
pub(crate) struct Surroundings {
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<dyn Clock>,
    scripts: ScriptEngine,
}

impl Surroundings {
    pub(crate) fn new(registry: Registry, scripts: ScriptEngine) -> Self {
        Self { registry, clock: Arc::new(SystemClock), scripts }
    }

    /// Makes what runs the scripts of problems that are in no store.
    pub(crate) fn sandbox(&self) -> Arc<dyn SandboxService> {
        Arc::new(AuthorCode::default().in_engine(self.scripts.clone()))
    }

    pub(crate) fn open(&self, url: &StoreUrl, mode: OpenMode) -> Result<Arc<dyn Runtime>, CommandError> {
        Ok(url.open(mode, &self.registry, &self.clock)?)
    }

    /// Opens the bundles of a Blockstore, below any courses.
    pub(crate) fn open_bundles(&self, url: &StoreUrl, mode: OpenMode) -> Result<Blockstore, CommandError> {
        Ok(url.open_bundles(mode, &self.clock)?)
    }

    pub(crate) fn open_blockstore(
        &self,
        url: &StoreUrl,
        mode: OpenMode,
    ) -> Result<BlockstoreRuntime, CommandError> {
        Ok(url.open_blockstore(mode, &self.registry, &self.clock)?)
    }

    pub(crate) fn open_modulestore(
        &self,
        url: &StoreUrl,
        mode: OpenMode,
    ) -> Result<ModulestoreRuntime, CommandError> {
        Ok(url.open_modulestore(mode, &self.registry, &self.clock)?)
    }

    /// Loads what `mongodump` wrote into a store.
    pub(crate) fn load_dump(
        &self,
        url: &StoreUrl,
        folder: &Path,
        on_damage: OnDamage,
    ) -> Result<DumpCounts, CommandError> {
        Ok(url.load_dump(folder, on_damage, &self.registry, &self.clock)?)
    }

    /// Warns where what was just written comes near the size MongoDB takes in one document.
    pub(crate) fn warn_of_size(
        &self,
        url: &StoreUrl,
        context: &ContextKey,
        console: &Console,
    ) -> Result<(), CommandError> {
        if !matches!(url, StoreUrl::Modulestore(_) | StoreUrl::ModulestoreServer(_)) {
            return Ok(());
        }
        let store = self.open_modulestore(url, OpenMode::Read)?;
        // What was written is written, whether it can be measured or not.
        for warning in store.size_warnings(context).unwrap_or_default() {
            console.remark(format_args!("warning: {warning}"));
        }
        Ok(())
    }

    /// Puts a host around the store of a context, on the branch a learner sees unless another is asked for.
    pub(crate) fn host(
        &self,
        learner: &LearnerArguments,
        context: &ContextKey,
    ) -> Result<Host, CommandError> {
        self.host_around(self.open(&learner.store.url, OpenMode::Read)?, learner, context)
    }

    /// Puts a host around the store of a block, and returns the block's key with the run of its course.
    pub(crate) fn host_of_block(
        &self,
        learner: &LearnerArguments,
        usage: &UsageKey,
    ) -> Result<(Host, UsageKey), CommandError> {
        let runtime = self.open(&learner.store.url, OpenMode::Read)?;
        let usage = runtime.usage_with_run(&usage.plain())?;
        Ok((self.host_around(runtime, learner, &usage.context_key())?, usage))
    }

    fn host_around(
        &self,
        runtime: Arc<dyn Runtime>,
        learner: &LearnerArguments,
        context: &ContextKey,
    ) -> Result<Host, CommandError> {
        let url = &learner.store.url;
        let branch = match learner.branch {
            Some(branch) => branch.into(),
            None if runtime.context(context)?.published.is_some() => Branch::Published,
            None => Branch::Draft,
        };
        Ok(Host {
            services: self.services(&runtime, branch),
            runtime,
            branch,
            registry: self.registry.clone(),
            learner_state: url.learner_state(learner.state.as_deref()),
            urls: Arc::new(PathUrls::default()),
            clock: self.clock.clone(),
            is_author_mode: false,
        })
    }
}

/// How many results of code of authors a command keeps.
const KEPT_RESULTS: usize = 1000;

impl Surroundings {
    /// Offers what blocks ask for: a sandbox for code of authors, and a cache of what it came to.
    pub(crate) fn services(&self, runtime: &Arc<dyn Runtime>, branch: Branch) -> ServiceSet {
        let sandbox = AuthorCode::of(runtime.clone(), branch).in_engine(self.scripts.clone());
        ServiceSet::default()
            .with::<dyn SandboxService>(Arc::new(sandbox))
            .with::<dyn CacheService>(Arc::new(MemoryCache::new(self.clock.clone(), KEPT_RESULTS)))
    }
}

/// Makes the user a block is shown to.
pub(crate) fn user(id: &str, learner: &LearnerArguments) -> User {
    User { id: id.into(), is_staff: learner.staff }
}

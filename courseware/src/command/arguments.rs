//! Arguments that several subcommands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use courseware::StoreUrl;
use xblock_core::runtime::Branch;

/// The store a subcommand works on.
#[derive(Debug, Args)]
pub(crate) struct StoreArgument {
    /// The store: blockstore:DIR, modulestore:FILE or one on a server.
    #[arg(long = "store", value_name = "URL")]
    pub(crate) url: StoreUrl,
}

/// The branch to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BranchName {
    /// What authors work on.
    Draft,
    /// What learners see.
    Published,
}

impl From<BranchName> for Branch {
    fn from(name: BranchName) -> Self {
        match name {
            BranchName::Draft => Self::Draft,
            BranchName::Published => Self::Published,
        }
    }
}

/// How a block is shown, and where what learners do is kept.
#[derive(Debug, Args)]
pub(crate) struct LearnerArguments {
    #[command(flatten)]
    pub(crate) store: StoreArgument,
    /// Let the user see what only course staff may.
    #[arg(long)]
    pub(crate) staff: bool,
    /// The SQLite file of learner state; by default it lies beside the store.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// The branch; by default the published one, or the draft where nothing is published.
    #[arg(long)]
    pub(crate) branch: Option<BranchName>,
}

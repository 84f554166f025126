//! `courseware serve`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use courseware::serve::{ServeOptions, SignedUrls, Signer, serve};
use courseware::{OpenMode, StoreUrl};
use uuid::Uuid;
use xblock_core::host::Host;
use xblock_core::runtime::Branch;

use super::arguments::BranchName;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// The variable of the environment that holds the secret addresses are signed with.
const SECRET: &str = "COURSEWARE_ASSET_KEY";

/// Fewer bytes than this are no secret.
const SHORTEST_SECRET: usize = 16;

/// Shows a store's courses on a local web page, where problems can be answered, until it is interrupted.
///
/// Addresses of static files are signed and end after an hour at most; COURSEWARE_ASSET_KEY holds the secret, otherwise each
/// server has its own. Every browser is a learner of its own. The page is for this machine unless --host says otherwise.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The store: blockstore:DIR, modulestore:FILE or one on a server.
    url: StoreUrl,
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 8765)]
    port: u16,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    host: IpAddr,
    /// Let every visitor see what only course staff may.
    #[arg(long)]
    staff: bool,
    /// The SQLite file of learner state; by default it lies beside the store.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The branch to show.
    #[arg(long, default_value = "published")]
    branch: BranchName,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let runtime = surroundings.open(&arguments.url, OpenMode::Read)?;
    let branch = Branch::from(arguments.branch);
    let secret = match std::env::var(SECRET) {
        Ok(secret) if secret.len() >= SHORTEST_SECRET => secret.into_bytes(),
        Ok(_) => return Err(CommandError::ShortSecret { name: SECRET, least: SHORTEST_SECRET }),
        Err(_) => [Uuid::new_v4(), Uuid::new_v4()].map(Uuid::into_bytes).concat(),
    };
    let signer = Signer::new(&secret, surroundings.clock.clone());
    let host = Host {
        services: surroundings.services(&runtime, branch),
        runtime,
        branch,
        registry: surroundings.registry.clone(),
        learner_state: arguments.url.learner_state(arguments.state.as_deref()),
        urls: Arc::new(SignedUrls::new(signer.clone())),
        clock: surroundings.clock.clone(),
        is_author_mode: false,
    };
    let options =
        ServeOptions { address: arguments.host, port: arguments.port, staff: arguments.staff, signer };
    let threads = tokio::runtime::Runtime::new().map_err(CommandError::Threads)?;
    let json = console.json;
    threads.block_on(async {
        let mut announced = Ok(());
        let ready = |address: std::net::SocketAddr| {
            let url = format!("http://{address}/");
            announced = if json {
                // One line, so that a program that started the server can read it as soon as it is there.
                console.line(serde_json::json!({ "url": url }))
            } else {
                console.line(format_args!("Serving {} at {url} (interrupt to stop)", arguments.url))
            }
            .and_then(|()| console.flush());
        };
        serve(host, options, ready, interrupted()).await?;
        announced
    })?;
    Ok(Exit::Done)
}

/// Waits for the terminal's interrupt or a polite kill.
async fn interrupted() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a way to be interrupted the server runs until it is killed.
    if interrupt.await.is_err() {
        std::future::pending::<()>().await;
    }
}

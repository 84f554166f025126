//! MySQL and MariaDB.

mod server;
mod session;
mod words;

pub(super) use server::Server;
pub(super) use session::Session;

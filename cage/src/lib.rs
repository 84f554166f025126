//! Runs the Python code of course authors where it can do no harm.
//!
//! [`Cage`] starts one CPython process that may read nothing but Python's own files and make few system calls
//! (Landlock and seccomp, no root needed), and forks it for each run, with less still allowed and with limits on time,
//! memory and output. Where the system cannot confine processes nothing is run, and the error says what is missing.
//!
//! [`CageSandbox`] is the cage as the service `sandbox` of blocks; [`RemoteSandbox`] is the same by a codejail service on
//! another machine.

mod error;
mod library;
mod limits;
mod options;
mod remote;
mod run;

#[cfg(target_os = "linux")]
mod cage;
#[cfg(target_os = "linux")]
mod confine;
#[cfg(target_os = "linux")]
mod exchange;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod interpreter;
#[cfg(target_os = "linux")]
mod places;
#[cfg(target_os = "linux")]
mod probe;
#[cfg(target_os = "linux")]
mod service;
#[cfg(target_os = "linux")]
mod slot;
#[cfg(target_os = "linux")]
mod sources;
#[cfg(target_os = "linux")]
mod zygote;

#[cfg(target_os = "linux")]
pub use cage::Cage;
pub use error::CageError;
pub use limits::RunLimits;
pub use options::CageOptions;
pub use remote::{RemoteError, RemoteOptions, RemoteSandbox};
pub use run::{Outcome, Raised, Run};
#[cfg(target_os = "linux")]
pub use service::CageSandbox;

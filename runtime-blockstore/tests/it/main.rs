//! Tests of the bundles store and of the runtime over it.
#![expect(clippy::unwrap_used, reason = "in a test, what is not there is the failure")]
#![expect(clippy::print_stdout, reason = "a test that cannot run says so")]

mod bad_input;
mod bundle_crash;
mod classes;
mod commits;
mod contexts;
mod crash;
#[cfg(unix)]
mod damage;
mod data_names;
mod database_faults;
mod database_tls;
mod fixture;
mod foreign;
mod fsck_beside_writers;
mod golden;
mod handover;
mod includes;
mod index_check;
mod index_edits;
mod late_requests;
mod links;
mod maintenance;
mod mariadb;
mod mime;
mod moved_links;
mod object_faults;
mod objects;
mod own_files;
mod proxy;
mod python_app;
mod reopening;
mod restored;
mod services;
mod stale_drafts;
mod store;
mod streams;
mod suite;
mod unreadable;
mod unreadable_rows;

//! The library and the command at work: on small courses in memory, and on the sample course in every store.
#![expect(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod asset_metadata;
mod bad_input;
mod checking;
mod command;
mod comparing;
mod crash;
mod damage;
mod diffing;
mod edit_steps;
mod exit_codes;
mod exporting;
mod formatting;
mod learners;
mod library_defaults;
mod links;
mod main_job;
mod manual;
mod mixed;
mod modulestore_server;
mod old_courses;
mod packages;
mod places;
mod problem_tests;
mod publishing;
mod servers;
mod serving;
mod static_names;
mod steady;
mod store_care;
mod stores;
mod thumbnails;

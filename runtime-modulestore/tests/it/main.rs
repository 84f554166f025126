//! The runtime over Split documents.

mod classes;
mod dumps;
mod failures;
mod fixture;
mod golden;
mod model;
mod old_mongo;
mod operations;
mod shapes;
mod store;
mod suite;
mod values;
mod versions;

//! The runtime over Split documents.

mod asset_records;
mod classes;
mod courses;
mod crash;
mod depth;
mod dump_damage;
mod dumps;
mod failures;
mod fixture;
mod golden;
mod index_table;
mod maintenance;
mod model;
mod mongo;
mod old_mongo;
mod operations;
mod prune_roots;
mod server;
mod server_care;
mod server_damage;
mod shapes;
mod store;
mod structures;
mod suite;
mod values;
mod versions;

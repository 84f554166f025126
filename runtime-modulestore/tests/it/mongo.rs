//! Stores on a MongoDB server.

use crate::server::{new_store, server};
use crate::store;

#[test]
fn a_server_sets_aside_and_puts_back() {
    let Some(server) = server() else { return };
    store::content_is_set_aside_and_put_back(&new_store(server));
}

#[test]
fn a_server_deletes_indexes() {
    let Some(server) = server() else { return };
    store::an_index_is_deleted_as_it_was_read(&new_store(server));
}

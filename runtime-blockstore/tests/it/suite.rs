//! The behaviours every runtime has.

xblock_testkit::runtime_suite!(blockstore, crate::fixture::fresh);
xblock_testkit::runtime_suite!(mariadb, crate::mariadb::fresh);

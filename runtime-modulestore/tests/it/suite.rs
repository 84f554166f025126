//! The behaviours every runtime has.

xblock_testkit::runtime_suite!(modulestore, crate::fixture::fresh);

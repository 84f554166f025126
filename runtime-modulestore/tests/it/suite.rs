//! The behaviours every runtime has.

xblock_testkit::runtime_suite!(modulestore, crate::fixture::fresh);
xblock_testkit::runtime_suite!(mongodb, crate::server::fresh);
xblock_testkit::runtime_suite!(mongo_java, crate::server::fresh_java);

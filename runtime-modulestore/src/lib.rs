//! Split Modulestore documents and the XBlock runtime over them.

//! The derive macro that declares an XBlock's fields once.

//! Tests of the whole house.

mod courses;
mod definitions;
mod documents;
mod fuzz;
mod markdown;
mod messages;
mod old_mongo;
mod origins;
mod own_answers;
mod packages;
mod random_course;
mod random_packages;
mod schemas;
mod split_vectors;
mod tidy;
mod vectors;

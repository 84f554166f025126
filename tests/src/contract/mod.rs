//! What every block promises, checked on any block: one named test for each promise.
//!
//! - [`Contract`] says which block is meant, in which states, and what requests it takes.
//! - [`PROMISES`] lists the promises; [`Contract::findings`] checks one and returns what is wrong and how to mend it.
//! - [`block_contract!`](crate::block_contract) makes the tests.

mod accessibility;
mod calm;
mod declaration;
mod handlers;
mod html;
mod i18n;
mod markup;
mod olx;
mod requests;
mod schema;
mod scoring;
mod sharing;
mod subject;
mod values;
mod views;

pub use subject::{Contract, Finding};

/// A promise every block makes.
pub struct Promise {
    /// Its name, which is the test's.
    pub name: &'static str,
    /// What is promised.
    pub says: &'static str,
    check: fn(&Contract) -> Vec<Finding>,
}

macro_rules! promises {
    ($($name:ident = $check:path: $says:literal;)+) => {
        /// All promises, in the order in which the tests stand.
        pub const PROMISES: &[Promise] =
            &[$(Promise { name: stringify!($name), says: $says, check: $check }),+];
    };
}

promises! {
    fields_are_described = declaration::described:
        "every field says what it is for, and what editors show has a name";
    defaults_are_valid = declaration::defaults:
        "defaults and offered values are of their field's type and keep to its JSON Schema";
    the_declaration_is_sound = declaration::sound:
        "names are such as XML, addresses and the platform can carry";
    olx_round_trips = olx::round_trips:
        "what is written as OLX reads back equal, whatever the fields hold";
    views_render = views::render:
        "every view of every sample renders, and a view nobody declared is refused";
    views_never_write = views::never_write:
        "rendering and scoring change no field, save nothing and publish nothing";
    views_repeat_themselves = views::repeat:
        "the same block renders the same twice";
    fragments_are_valid = views::fragments:
        "the HTML is well-formed and resources and initialisation are such as a page can use";
    views_are_accessible = accessibility::views:
        "everything on the page has a name and is reached by keys, references lead somewhere, and nothing plays by itself";
    two_blocks_share_a_page = accessibility::neighbours:
        "ids of two blocks of the type differ, so that both work on one page";
    empty_fields_are_shown = views::empty_fields:
        "the block renders with each of its fields null, and with all of them";
    strange_values_do_no_harm = views::strange_values:
        "a stored value of another type is an error at worst, never a panic";
    visitors_without_a_name_are_served = views::nobody:
        "where nobody is logged in, views render and handlers answer";
    broken_children_do_no_harm = views::broken_children:
        "a child that is missing, broken or hidden does not take the block down, and one that is shown keeps its resources";
    values_are_escaped = markup::escaped:
        "markup in a value stays text";
    requests_are_answered = handlers::answered:
        "every declared handler answers the sample requests, and no other name is answered";
    garbage_is_refused = handlers::garbage:
        "what is no request of the handler's changes nothing, and is no error of the server";
    refused_requests_save_nothing = handlers::refused:
        "an answer that refuses a request leaves everything as it was";
    reading_requests_change_nothing = handlers::reading:
        "GET, HEAD and unknown methods change nothing";
    grades_are_in_range = scoring::range:
        "grades lie between 0 and the block's highest score, are a learner's, and only scored blocks give them";
    rescoring_repeats_itself = scoring::rescoring:
        "computing a score again gives the same score, and none for a learner who did not answer";
    texts_are_translated = i18n::translated:
        "what the block itself says goes through the i18n service";
    threads_do_not_meet = sharing::threads:
        "any number of threads can render and handle at once";
}

/// Makes one `#[test]` per promise for a block, in a module of the given name.
///
/// The function gives the [`Contract`](crate::Contract).
///
/// ```
/// use serde_json::json;
/// use xblock_testkit::{Contract, StandIn};
///
/// fn stand_in() -> Contract {
///     Contract::of(StandIn::CLASS).sample("a text", |bench| bench.field("data", "<p>Ebb</p>")).html("data")
/// }
///
/// xblock_testkit::block_contract!(contract, crate::stand_in);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! block_contract {
    ($name:ident, $contract:path) => {
        mod $name {
            $crate::contract_tests!($contract;
                fields_are_described, defaults_are_valid, the_declaration_is_sound, olx_round_trips, views_render,
                views_never_write, views_repeat_themselves, fragments_are_valid, views_are_accessible,
                two_blocks_share_a_page, empty_fields_are_shown, strange_values_do_no_harm,
                visitors_without_a_name_are_served, broken_children_do_no_harm, values_are_escaped,
                requests_are_answered, garbage_is_refused, refused_requests_save_nothing,
                reading_requests_change_nothing, grades_are_in_range, rescoring_repeats_itself,
                texts_are_translated, threads_do_not_meet
            );
            #[test]
            fn exceptions_are_needed() {
                let contract: fn() -> $crate::Contract = $contract;
                contract().check_exceptions();
            }
        }
    };
}

/// Used by [`block_contract!`](crate::block_contract).
#[doc(hidden)]
#[macro_export]
macro_rules! contract_tests {
    ($contract:path; $($promise:ident),+) => {
        /// The promises that are tested here.
        #[allow(dead_code, reason = "read where the list itself is tested")]
        pub(crate) const TESTED: &[&str] = &[$(stringify!($promise)),+];
        $(
            #[test]
            fn $promise() {
                let contract: fn() -> $crate::Contract = $contract;
                contract().keep(stringify!($promise));
            }
        )+
    };
}
